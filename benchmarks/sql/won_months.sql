-- wins and their money by rep and month; those without a day stand in no month
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, date_trunc('month', closed_at)::DATE AS month,
    count(*) AS n_events, sum(amount)::DOUBLE AS seen,
    sum(amount::DOUBLE ** 2) AS squares
FROM deals
WHERE status = 'won'
GROUP BY ALL
