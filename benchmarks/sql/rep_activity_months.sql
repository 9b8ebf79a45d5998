-- activities by rep and month
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, date_trunc('month', occurred_at)::DATE AS month,
    count(*) AS n_events
FROM activities
WHERE occurred_at IS NULL OR occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
