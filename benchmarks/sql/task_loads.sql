-- tasks due within three months, and those overdue
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id,
    count(*) FILTER (WHERE due_at::DATE > getvariable('as_of') - INTERVAL 3 MONTH
                       AND due_at::DATE <= getvariable('as_of')) AS due_tasks,
    count(*) FILTER (WHERE due_at::DATE < getvariable('as_of')
                       AND (completed_at IS NULL OR completed_at::DATE > getvariable('as_of')))
        AS overdue_tasks
FROM activities
WHERE due_at IS NOT NULL AND occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
