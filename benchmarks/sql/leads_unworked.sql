-- leads that nobody ever answered or touched, and what became of those answered late
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
), touches AS (
    SELECT lead_id, deal_id
    FROM activities
    WHERE activity_type IN ('call', 'email', 'meeting', 'message')
      AND occurred_at::DATE <= getvariable('as_of')
      AND (direction IS NULL OR direction = 'outbound')
), told AS (
    SELECT
        w.source, w.status IN ('qualified', 'converted') AS is_hit,
        d.status = 'won' AS is_won, d.amount::DOUBLE AS money,
        NOT is_answered AND w.status NOT IN ('qualified', 'converted')
            AND NOT coalesce(w.lead_id IN (SELECT lead_id FROM touches WHERE lead_id IS NOT NULL),
                             false)
            AND NOT coalesce(w.deal_id IN (SELECT deal_id FROM touches WHERE deal_id IS NOT NULL),
                             false) AS silent,
        w.status = 'disqualified' AS is_dropped, working_seconds >= 97200 AS is_old,
        is_answered AND NOT is_early AND working_seconds > 97200 AS is_late
    FROM waits w
    LEFT JOIN deals d ON d.deal_id = w.deal_id
)
SELECT
    source, count(*) AS n_leads,
    count(*) FILTER (WHERE silent AND NOT is_dropped AND NOT is_old) AS n_young,
    count(*) FILTER (WHERE silent AND is_dropped) AS n_dropped,
    count(*) FILTER (WHERE silent AND NOT is_dropped AND is_old) AS n_unworked,
    count(*) FILTER (WHERE is_late) AS n_late,
    count(*) FILTER (WHERE is_late AND is_hit) AS n_late_qualified,
    count(*) FILTER (WHERE is_late AND is_won) AS n_late_won,
    sum(money) FILTER (WHERE is_late AND is_won AND money > 0) AS late_amount,
    sum(money * money) FILTER (WHERE is_late AND is_won AND money > 0) AS late_squares,
    max(money) FILTER (WHERE is_late AND is_won AND money > 0) AS late_largest
FROM told
GROUP BY source
