-- activities of each rep that look made up, by week and then by rep
WITH rows AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, activity_type, outcome,
        duration_seconds AS length, occurred_at,
        CASE WHEN occurred_at <> date_trunc('day', occurred_at)
             THEN date_trunc('minute', occurred_at) END AS minute
    FROM activities
    WHERE occurred_at::DATE <= getvariable('as_of')
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
), hours AS (
    SELECT rep_id, date_trunc('hour', minute) AS hour, sum(n) AS n
    FROM cells
    WHERE minute NOT IN (SELECT minute FROM imports)
    GROUP BY ALL
), bursts AS (
    SELECT rep_id, hour
    FROM (
        SELECT *, sum(n) OVER (PARTITION BY rep_id, date_trunc('week', hour)) AS n_week FROM hours
    )
    WHERE n >= 10 AND n >= 0.25 * n_week
), lengths AS (
    SELECT rep_id, length, count(*) AS n
    FROM rows
    WHERE length > 0 AND (minute IS NULL OR minute NOT IN (SELECT minute FROM imports))
    GROUP BY ALL
), own_lengths AS (
    SELECT rep_id, length
    FROM (
        SELECT
            *, sum(n) OVER (PARTITION BY rep_id) AS n_rep,
            sum(n) OVER (PARTITION BY length) AS n_length, sum(n) OVER () AS n_all
        FROM lengths
    )
    WHERE n >= 10 AND n * (n_all - n_rep) > 5 * n_rep * (n_length - n) AND n_all > n_rep
), marked AS (
    SELECT
        r.*, i.minute IS NOT NULL AS is_import, r.minute IS NOT NULL AS is_timed,
        activity_type IN ('call', 'meeting') AND r.length IS NOT NULL
            AND coalesce(outcome IN ('connected', 'held'), false) AS is_said,
        c.minute IS NOT NULL AS is_crowded, b.hour IS NOT NULL AS is_burst_hour,
        o.length IS NOT NULL AS is_own_length
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
    LEFT JOIN bursts b ON b.rep_id = r.rep_id AND b.hour = date_trunc('hour', r.minute)
    LEFT JOIN own_lengths o ON o.rep_id = r.rep_id AND o.length = r.length
), told AS (
    SELECT
        *, is_timed AND NOT is_import AS can_burst,
        is_burst_hour AND NOT is_import AS is_burst,
        is_timed AND NOT is_import AS can_one_minute,
        is_crowded AND NOT is_import AS is_one_minute,
        is_said AND NOT is_import AS can_zero,
        is_said AND NOT is_import AND length = 0 AS is_zero,
        coalesce(length > 0, false) AND NOT is_import AS can_same,
        coalesce(length > 0, false) AND NOT is_import AND is_own_length AS is_same,
        coalesce(length > 0, false) AND NOT is_import AS can_round,
        coalesce(length > 0 AND length % 300 = 0, false) AND NOT is_import AS is_round,
        date_trunc('week', occurred_at)::DATE AS week
    FROM marked
), weeks AS (
    SELECT
        rep_id, week, count(*) AS n_rows, count(*) FILTER (WHERE is_import) AS n_import,
        count(*) FILTER (WHERE can_burst) AS whole_burst,
        count(*) FILTER (WHERE is_burst) AS part_burst,
        count(*) FILTER (WHERE can_one_minute) AS whole_one_minute,
        count(*) FILTER (WHERE is_one_minute) AS part_one_minute,
        count(*) FILTER (WHERE can_zero) AS whole_zero,
        count(*) FILTER (WHERE is_zero) AS part_zero,
        count(*) FILTER (WHERE can_same) AS whole_same,
        count(*) FILTER (WHERE is_same) AS part_same,
        count(*) FILTER (WHERE can_round) AS whole_round,
        count(*) FILTER (WHERE is_round) AS part_round
    FROM told
    GROUP BY ALL
)
SELECT
    rep_id, sum(n_rows)::BIGINT AS n_rows, sum(n_import)::BIGINT AS n_import,
    count(*) FILTER (WHERE whole_burst > 0) AS units_burst,
    sum(part_burst)::BIGINT AS part_burst, sum(whole_burst)::BIGINT AS whole_burst,
    sum(part_burst * part_burst)::BIGINT AS squares_burst,
    sum(part_burst * whole_burst)::BIGINT AS products_burst,
    sum(whole_burst * whole_burst)::BIGINT AS whole_squares_burst,
    count(*) FILTER (WHERE whole_one_minute > 0) AS units_one_minute,
    sum(part_one_minute)::BIGINT AS part_one_minute,
    sum(whole_one_minute)::BIGINT AS whole_one_minute,
    sum(part_one_minute * part_one_minute)::BIGINT AS squares_one_minute,
    sum(part_one_minute * whole_one_minute)::BIGINT AS products_one_minute,
    sum(whole_one_minute * whole_one_minute)::BIGINT AS whole_squares_one_minute,
    count(*) FILTER (WHERE whole_zero > 0) AS units_zero,
    sum(part_zero)::BIGINT AS part_zero, sum(whole_zero)::BIGINT AS whole_zero,
    sum(part_zero * part_zero)::BIGINT AS squares_zero,
    sum(part_zero * whole_zero)::BIGINT AS products_zero,
    sum(whole_zero * whole_zero)::BIGINT AS whole_squares_zero,
    count(*) FILTER (WHERE whole_same > 0) AS units_same,
    sum(part_same)::BIGINT AS part_same, sum(whole_same)::BIGINT AS whole_same,
    sum(part_same * part_same)::BIGINT AS squares_same,
    sum(part_same * whole_same)::BIGINT AS products_same,
    sum(whole_same * whole_same)::BIGINT AS whole_squares_same,
    count(*) FILTER (WHERE whole_round > 0) AS units_round,
    sum(part_round)::BIGINT AS part_round, sum(whole_round)::BIGINT AS whole_round,
    sum(part_round * part_round)::BIGINT AS squares_round,
    sum(part_round * whole_round)::BIGINT AS products_round,
    sum(whole_round * whole_round)::BIGINT AS whole_squares_round
FROM weeks
GROUP BY rep_id
