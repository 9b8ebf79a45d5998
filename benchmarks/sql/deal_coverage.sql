WITH asked AS (
    SELECT deal_id, amount::DOUBLE AS worth FROM deals WHERE status = 'open'
), done AS (
    SELECT
        deal_id,
        count(*) FILTER (WHERE day <= getvariable('as_of') AND NOT undone) AS n_done,
        max(day) FILTER (WHERE day <= getvariable('as_of') AND NOT undone) AS last_on,
        count(*) FILTER (WHERE day > getvariable('as_of')
                            OR (undone AND due_on > getvariable('as_of'))) AS n_ahead,
        count(*) FILTER (WHERE is_task AND due_on <= getvariable('as_of')) AS n_due,
        count(*) FILTER (WHERE undone AND due_on <= getvariable('as_of')) AS n_overdue
    FROM (
        SELECT
            deal_id, occurred_at::DATE AS day, due_at::DATE AS due_on,
            activity_type = 'task' AS is_task,
            activity_type = 'task' AND (completed_at IS NULL
                OR completed_at::DATE > getvariable('as_of')) AS undone
        FROM activities
        SEMI JOIN asked USING (deal_id)
    )
    GROUP BY deal_id
), per_deal AS (
    SELECT
        worth, coalesce(n_done, 0) AS n_done, coalesce(n_due, 0) AS n_due,
        coalesce(n_overdue, 0) AS n_overdue, coalesce(n_ahead, 0) AS n_ahead,
        coalesce(last_on > getvariable('as_of') - 30, false) AS is_touched
    FROM asked
    LEFT JOIN done USING (deal_id)
)
SELECT
    count(*) AS n_deals,
    count(*) FILTER (WHERE n_done = 0) AS n_never_touched,
    count(*) FILTER (WHERE is_touched) AS n_touched,
    count(*) FILTER (WHERE n_ahead = 0) AS n_without_next_step,
    count(*) FILTER (WHERE n_overdue > 0) AS n_with_overdue_task,
    count(*) FILTER (WHERE worth IS NULL OR worth <= 0) AS n_without_amount,
    sum(worth) FILTER (WHERE worth > 0) AS total_amount,
    sum(worth) FILTER (WHERE worth > 0 AND n_done = 0) AS never_touched_amount,
    sum(worth) FILTER (WHERE worth > 0 AND NOT is_touched) AS untouched_amount,
    sum(worth) FILTER (WHERE worth > 0 AND n_ahead = 0) AS no_next_step_amount,
    sum(worth) FILTER (WHERE worth > 0 AND n_overdue > 0) AS overdue_amount,
    sum(n_done)::BIGINT AS n_activities,
    sum(n_done * n_done)::BIGINT AS squares,
    max(n_done) AS largest_count,
    sum(n_due)::BIGINT AS n_tasks_due,
    sum(n_overdue)::BIGINT AS n_tasks_overdue
FROM per_deal
