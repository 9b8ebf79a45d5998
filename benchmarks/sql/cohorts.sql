SELECT
    date_trunc('quarter', created_at) AS cohort,
    CASE WHEN status = 'open' OR closed_at IS NOT NULL THEN
        greatest(date_diff('day', created_at::DATE,
                           CASE WHEN status = 'open' THEN getvariable('as_of')
                                ELSE closed_at::DATE END), 0)
    END AS age_days,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE status = 'open') AS n_open
FROM deals
WHERE created_at IS NOT NULL
GROUP BY ALL
