-- stage changes of each rep that look made up, by week and then by rep
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
), eves AS (
    SELECT day
    FROM days
    WHERE works AND date_trunc('month', day) + INTERVAL 1 MONTH - INTERVAL 1 DAY
          BETWEEN (SELECT min(entered_at)::DATE FROM stage_changes)
              AND last_day(getvariable('as_of'))
    WINDOW backwards AS (PARTITION BY date_trunc('month', day) ORDER BY day DESC)
    QUALIFY row_number() OVER backwards <= 2
), rows AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, entered_at,
        CASE WHEN entered_at <> date_trunc('day', entered_at)
             THEN date_trunc('minute', entered_at) END AS minute
    FROM stage_changes
    WHERE entered_at::DATE <= getvariable('as_of')
), cells AS (
    SELECT rep_id, minute, count(*) AS n FROM rows WHERE minute IS NOT NULL GROUP BY ALL
), minutes AS (
    SELECT minute, sum(n) AS n, count(*) AS n_reps, max(n) AS most FROM cells GROUP BY minute
), days_of AS (
    SELECT median(n) AS usual FROM minutes GROUP BY minute::DATE
), dense AS (
    SELECT minute
    FROM minutes
    WHERE n >= 20 AND n >= 10 * least((SELECT median(n) FROM minutes),
                                      (SELECT median(usual) FROM days_of))
      AND (n_reps >= 3 AND 2 * most <= n OR n >= 200)
), imports AS (
    -- the minutes beside one belong to it
    SELECT DISTINCT minute + side * INTERVAL 1 MINUTE AS minute
    FROM dense, range(-1, 2) sides(side)
), crowded AS (
    SELECT rep_id, minute FROM cells WHERE n >= 5
), batches AS (
    SELECT rep_id, date_trunc('hour', minute) AS hour
    FROM cells
    WHERE minute::DATE IN (SELECT day FROM eves) AND minute NOT IN (SELECT minute FROM imports)
    GROUP BY ALL
    HAVING sum(n) >= 5
), told AS (
    SELECT
        r.rep_id, date_trunc('week', entered_at)::DATE AS week, i.minute IS NOT NULL AS is_import,
        r.minute IS NOT NULL AND i.minute IS NULL AS can_one_minute,
        c.minute IS NOT NULL AND i.minute IS NULL AS is_one_minute,
        r.minute IS NOT NULL AND i.minute IS NULL AS can_eve,
        b.hour IS NOT NULL AND i.minute IS NULL AS is_eve
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
    LEFT JOIN batches b ON b.rep_id = r.rep_id AND b.hour = date_trunc('hour', r.minute)
), weeks AS (
    SELECT
        rep_id, week, count(*) AS n_rows, count(*) FILTER (WHERE is_import) AS n_import,
        count(*) FILTER (WHERE can_one_minute) AS whole_one_minute,
        count(*) FILTER (WHERE is_one_minute) AS part_one_minute,
        count(*) FILTER (WHERE can_eve) AS whole_eve,
        count(*) FILTER (WHERE is_eve) AS part_eve
    FROM told
    GROUP BY ALL
)
SELECT
    rep_id, sum(n_rows)::BIGINT AS n_rows, sum(n_import)::BIGINT AS n_import,
    count(*) FILTER (WHERE whole_one_minute > 0) AS units_one_minute,
    sum(part_one_minute)::BIGINT AS part_one_minute,
    sum(whole_one_minute)::BIGINT AS whole_one_minute,
    sum(part_one_minute * part_one_minute)::BIGINT AS squares_one_minute,
    sum(part_one_minute * whole_one_minute)::BIGINT AS products_one_minute,
    sum(whole_one_minute * whole_one_minute)::BIGINT AS whole_squares_one_minute,
    count(*) FILTER (WHERE whole_eve > 0) AS units_eve,
    sum(part_eve)::BIGINT AS part_eve, sum(whole_eve)::BIGINT AS whole_eve,
    sum(part_eve * part_eve)::BIGINT AS squares_eve,
    sum(part_eve * whole_eve)::BIGINT AS products_eve,
    sum(whole_eve * whole_eve)::BIGINT AS whole_squares_eve
FROM weeks
GROUP BY rep_id
