SELECT
    slot, count(*) FILTER (WHERE status = 'won') AS n_won, count(*) AS n_closed,
    count(*) FILTER (WHERE status = 'won' AND NOT coalesce(list_amount > 0 AND amount > 0, false))
        AS n_unpriced
FROM deals
JOIN quarter_days ON day = closed_at::DATE
WHERE status IN ('won', 'lost')
GROUP BY slot
