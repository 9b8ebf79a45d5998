-- leads of each rep that were answered by the dozen, by week and then by rep
WITH answers AS (
    SELECT
        *, CASE WHEN first_response_at::DATE <= getvariable('as_of') THEN first_response_at END
            AS answered_at
    FROM leads
    WHERE created_at::DATE <= getvariable('as_of')
), rows AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, answered_at,
        CASE WHEN answered_at <> date_trunc('day', answered_at)
             THEN date_trunc('minute', answered_at) END AS minute
    FROM answers
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
), told AS (
    SELECT
        r.rep_id, date_trunc('week', answered_at)::DATE AS week, i.minute IS NOT NULL AS is_import,
        r.minute IS NOT NULL AND i.minute IS NULL AS can_one_minute,
        c.minute IS NOT NULL AND i.minute IS NULL AS is_one_minute
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
), weeks AS (
    SELECT
        rep_id, week, count(*) AS n_rows, count(*) FILTER (WHERE is_import) AS n_import,
        count(*) FILTER (WHERE can_one_minute) AS whole_one_minute,
        count(*) FILTER (WHERE is_one_minute) AS part_one_minute
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
    sum(whole_one_minute * whole_one_minute)::BIGINT AS whole_squares_one_minute
FROM weeks
GROUP BY rep_id
