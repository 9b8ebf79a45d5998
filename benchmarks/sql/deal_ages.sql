-- deals by the age at which they were won, lost or last seen open, -1 without the days to tell
SELECT
    CASE WHEN created_at IS NULL OR (status <> 'open' AND closed_at IS NULL) THEN -1
         ELSE greatest(date_diff('day', created_at::DATE,
                                 CASE WHEN status = 'open' THEN getvariable('as_of')
                                      ELSE closed_at::DATE END), 0) END AS age_days,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE status = 'open') AS n_open,
    count(amount) FILTER (WHERE status = 'won') AS n_priced,
    sum(amount) FILTER (WHERE status = 'won')::DOUBLE AS won_amount
FROM deals
GROUP BY ALL
