SELECT
    coalesce(rep_id, 'unassigned') AS rep_id,
    activity_type,
    date_trunc('week', occurred_at) AS week,
    min(occurred_at)::DATE AS first_on,
    max(occurred_at)::DATE AS last_on,
    count(*) AS n_activities,
    count(outcome) AS n_with_outcome,
    count(*) FILTER (WHERE outcome IN ('connected', 'held')) AS n_reached
FROM activities
WHERE occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
