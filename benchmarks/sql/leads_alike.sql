-- leads that are alike (kind, hour, rep) by how long they waited, and what came of them
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
), rows AS (
    SELECT
        coalesce(w.rep_id, 'unassigned') AS rep_id, w.source, w.segment,
        after_break::INTEGER AS after_break,
        ln((elapsed_seconds + 900) / 3600) AS wait,
        CASE WHEN NOT is_answered THEN -1 WHEN is_early THEN -2
             WHEN answered_at::DATE > getvariable('as_of') - 90 THEN -3
             WHEN working_seconds <= 3600 THEN 0 WHEN working_seconds <= 14400 THEN 1
             WHEN working_seconds <= 32400 THEN 2 WHEN working_seconds <= 97200 THEN 3
             ELSE 4 END AS band,
        CASE WHEN NOT works THEN 'day off'
             WHEN second_of >= 72000 THEN 'night' WHEN second_of >= 61200 THEN 'after closing'
             WHEN second_of >= 50400 THEN 'before closing' WHEN second_of < 28800 THEN 'night'
             WHEN second_of >= 39600 THEN 'early after' ELSE 'early before' END AS slot,
        w.status IN ('qualified', 'converted') AS is_qualified,
        coalesce(d.status = 'won'
                 AND coalesce(d.closed_at::DATE - answered_at::DATE <= 90, true), false)
            AS is_won
    FROM (SELECT *, epoch(created_at::TIME)::BIGINT AS second_of FROM waits) w
    LEFT JOIN deals d ON d.deal_id = w.deal_id
), paced AS (
    SELECT
        rep_id,
        (row_number() OVER (ORDER BY own_wait, rep_id) - 1) * 12 // count(*) OVER () AS rep
    FROM (SELECT rep_id, round(avg(wait), 6) AS own_wait FROM rows WHERE band >= 0 GROUP BY 1)
)
SELECT
    CASE WHEN band >= 0 THEN source ELSE '' END AS kind_source,
    CASE WHEN band >= 0 THEN segment ELSE '' END AS kind_segment,
    CASE WHEN band >= 0 THEN slot ELSE '' END AS slot,
    CASE WHEN band >= 0 THEN after_break ELSE 0 END AS after_break,
    CASE WHEN band >= 0 THEN rep ELSE -1 END AS rep, band,
    count(*) AS n, count(*) FILTER (WHERE is_qualified) AS n_qualified,
    count(*) FILTER (WHERE is_won) AS n_won,
    sum(wait) AS wait, sum(wait * wait) AS wait_squares,
    sum(wait) FILTER (WHERE is_qualified) AS wait_qualified,
    sum(wait) FILTER (WHERE is_won) AS wait_won
FROM rows
LEFT JOIN paced USING (rep_id)
GROUP BY ALL
