-- deals of each rep that look made up, by week and then by rep
WITH rows AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, created_at, closed_at, status, amount,
        CASE WHEN created_at <> date_trunc('day', created_at)
             THEN date_trunc('minute', created_at) END AS minute
    FROM deals
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
        r.rep_id, date_trunc('week', created_at)::DATE AS week, i.minute IS NOT NULL AS is_import,
        r.minute IS NOT NULL AND i.minute IS NULL AS can_one_minute,
        c.minute IS NOT NULL AND i.minute IS NULL AS is_one_minute,
        status = 'won' AND closed_at IS NOT NULL AND created_at IS NOT NULL
            AND i.minute IS NULL AS can_same_day,
        coalesce(status = 'won' AND closed_at::DATE = created_at::DATE AND i.minute IS NULL, false)
            AS is_same_day,
        coalesce(status = 'won' AND amount >= 1000 AND i.minute IS NULL, false) AS can_round,
        coalesce(status = 'won' AND amount >= 1000 AND amount % 100 = 0 AND i.minute IS NULL,
                 false) AS is_round
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
), weeks AS (
    SELECT
        rep_id, week, count(*) AS n_rows, count(*) FILTER (WHERE is_import) AS n_import,
        count(*) FILTER (WHERE can_one_minute) AS whole_one_minute,
        count(*) FILTER (WHERE is_one_minute) AS part_one_minute,
        count(*) FILTER (WHERE can_same_day) AS whole_same_day,
        count(*) FILTER (WHERE is_same_day) AS part_same_day,
        count(*) FILTER (WHERE can_round) AS whole_round,
        count(*) FILTER (WHERE is_round) AS part_round
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
    count(*) FILTER (WHERE whole_same_day > 0) AS units_same_day,
    sum(part_same_day)::BIGINT AS part_same_day, sum(whole_same_day)::BIGINT AS whole_same_day,
    sum(part_same_day * part_same_day)::BIGINT AS squares_same_day,
    sum(part_same_day * whole_same_day)::BIGINT AS products_same_day,
    sum(whole_same_day * whole_same_day)::BIGINT AS whole_squares_same_day,
    count(*) FILTER (WHERE whole_round > 0) AS units_round,
    sum(part_round)::BIGINT AS part_round, sum(whole_round)::BIGINT AS whole_round,
    sum(part_round * part_round)::BIGINT AS squares_round,
    sum(part_round * whole_round)::BIGINT AS products_round,
    sum(whole_round * whole_round)::BIGINT AS whole_squares_round
FROM weeks
GROUP BY rep_id
