-- leads by how long they waited, by the clock of working hours and by that on the wall
WITH holidays AS (
    SELECT unnest(CAST([
        '2022-12-26', '2023-01-01', '2023-04-07', '2023-04-10', '2023-05-01', '2023-05-18',
        '2023-05-29', '2023-10-03', '2023-12-25', '2023-12-26', '2024-01-01', '2024-03-29',
        '2024-04-01', '2024-05-01', '2024-05-09', '2024-05-20', '2024-10-03', '2024-12-25',
        '2024-12-26', '2025-01-01', '2025-04-18', '2025-04-21', '2025-05-01', '2025-05-29',
        '2025-06-09', '2025-10-03', '2025-12-25', '2025-12-26', '2026-01-01'
    ] AS DATE[])) AS day
), days AS (
    SELECT day::DATE AS day,
           isodow(day) <= 5 AND day::DATE NOT IN (SELECT day FROM holidays) AS works
    FROM range(TIMESTAMP '2022-11-01', TIMESTAMP '2026-01-02', INTERVAL 1 DAY) listed(day)
), calendar AS (
    SELECT
        day, works, NOT lag(works, 1, true) OVER (ORDER BY day) AS after_break,
        count(*) FILTER (WHERE works) OVER (ORDER BY day) - works::INTEGER AS n_before
    FROM days
), came AS (
    SELECT
        l.*, 32400 * n_before + CASE WHEN works THEN
            greatest(least(epoch(created_at::TIME)::BIGINT, 61200) - 28800, 0) ELSE 0 END
            AS begin_clock, works, after_break,
        CASE WHEN first_response_at::DATE <= getvariable('as_of') THEN first_response_at END
            AS answered_at
    FROM leads l
    JOIN calendar ON day = created_at::DATE
    WHERE created_at::DATE <= getvariable('as_of')
), waits AS (
    SELECT
        c.*, answered_at IS NOT NULL AS is_answered,
        coalesce(answered_at < created_at, false) AS is_early,
        greatest(32400 * r.n_before + CASE WHEN r.works AND answered_at IS NOT NULL THEN
            greatest(least(epoch(answered_at::TIME)::BIGINT, 61200) - 28800, 0) ELSE 0 END
            - begin_clock, 0) AS working_seconds,
        greatest(date_diff('second', created_at,
                           coalesce(answered_at, getvariable('as_of') + 1)), 0) AS elapsed_seconds
    FROM came c
    JOIN calendar r ON r.day = coalesce(answered_at::DATE, getvariable('as_of') + 1)
), timed AS (
    SELECT 'working' AS clock, working_seconds AS seconds, is_answered, is_early FROM waits
    UNION ALL
    SELECT 'elapsed', elapsed_seconds, is_answered, is_early FROM waits
), counted AS (
    SELECT clock, is_answered, is_early,
           CASE WHEN is_answered THEN (seconds + 59) // 60 ELSE seconds // 60 END AS minutes
    FROM timed
), stepped AS (
    SELECT *, CASE WHEN minutes <= 120 THEN 1 WHEN minutes <= 1440 THEN 10
                   WHEN minutes <= 14400 THEN 60 ELSE 600 END AS step
    FROM counted
)
SELECT
    clock,
    CASE WHEN is_answered THEN (minutes + step - 1) // step ELSE minutes // step END * step
        AS minutes,
    count(*) FILTER (WHERE is_answered AND NOT is_early) AS n_answered,
    count(*) FILTER (WHERE NOT is_answered) AS n_open,
    count(*) FILTER (WHERE is_early) AS n_early
FROM stepped
GROUP BY ALL
