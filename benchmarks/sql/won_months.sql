-- wins and their money by rep and month
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, date_trunc('month', closed_at)::DATE AS month,
    count(*) AS n_events, min(closed_at)::DATE AS first_on, sum(amount)::DOUBLE AS seen,
    sum(amount::DOUBLE ** 2) AS squares
FROM deals
WHERE status = 'won' AND closed_at IS NOT NULL
GROUP BY ALL
