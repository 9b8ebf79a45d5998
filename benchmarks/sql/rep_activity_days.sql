-- activities by rep and day
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, occurred_at::DATE AS day, count(*) AS n_activities
FROM activities
WHERE occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
