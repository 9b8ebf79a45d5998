WITH dated AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, status, amount::DOUBLE AS worth,
        created_at::DATE AS came_on,
        CASE WHEN status <> 'open' THEN closed_at::DATE END AS closed_on,
        created_at IS NOT NULL AND (status = 'open' OR closed_at IS NOT NULL) AS is_held,
        CASE WHEN status <> 'open' THEN greatest(closed_at::DATE, created_at::DATE) END AS left_on
    FROM deals
), moves AS (
    SELECT rep_id, worth, came_on AS day, 'created' AS kind FROM dated
    UNION ALL
    SELECT rep_id, worth, closed_on, status FROM dated
    UNION ALL
    SELECT rep_id, worth, came_on, 'came' FROM dated WHERE is_held
    UNION ALL
    SELECT rep_id, worth, left_on, 'left' FROM dated WHERE is_held
), numbered AS (
    SELECT *, day - DATE '1969-12-29' AS number
    FROM moves
    WHERE day <= getvariable('as_of')
)
SELECT
    rep_id, kind, date_trunc('month', day) AS at, count(*) AS n, sum(worth) AS amount,
    sum(number // 7 * 5 + least(number % 7, 5)
        + CASE WHEN kind = 'left' AND number % 7 < 5 THEN 1 ELSE 0 END)::BIGINT AS n_work_days
FROM numbered
GROUP BY ALL
