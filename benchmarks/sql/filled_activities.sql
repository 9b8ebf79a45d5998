-- activities of each rep that carry what they must
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, count(*) AS n_rows,
    count(*) FILTER (WHERE rep_id <> '') AS rep,
    count(coalesce(deal_id, lead_id, account_id)) AS link,
    count(*) FILTER (WHERE activity_type IN ('call', 'meeting')) AS n_talks,
    count(*) FILTER (WHERE activity_type IN ('call', 'meeting') AND outcome <> '') AS outcome,
    count(*) FILTER (WHERE activity_type IN ('call', 'meeting')
                       AND outcome IN ('connected', 'held')) AS n_reached,
    count(duration_seconds) FILTER (WHERE activity_type IN ('call', 'meeting')
                                      AND outcome IN ('connected', 'held')) AS duration,
    count(*) FILTER (WHERE activity_type = 'task') AS n_tasks,
    count(due_at) FILTER (WHERE activity_type = 'task') AS due_at
FROM activities
WHERE occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
