-- tasks due within three months, and those overdue; one that the table repeats counts once, and
-- is done where one of its rows says so
WITH once AS (
    SELECT rep_id, due_at::DATE AS due_on, completed_at
    FROM activities
    WHERE due_at IS NOT NULL AND occurred_at::DATE <= getvariable('as_of')
    WINDOW one_id AS (PARTITION BY activity_id ORDER BY completed_at NULLS LAST, due_at)
    QUALIFY row_number() OVER one_id = 1 OR activity_id IS NULL
)
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id,
    count(*) FILTER (WHERE due_on > getvariable('as_of') - INTERVAL 3 MONTH
                       AND due_on <= getvariable('as_of')) AS due_tasks,
    count(*) FILTER (WHERE due_on < getvariable('as_of')
                       AND (completed_at IS NULL OR completed_at::DATE > getvariable('as_of')))
        AS overdue_tasks
FROM once
GROUP BY ALL
