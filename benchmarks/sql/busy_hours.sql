-- hours of each rep by the number of activities entered in them, imports left out
WITH rows AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id,
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
), hours AS (
    SELECT rep_id, date_trunc('hour', minute) AS hour, sum(n)::BIGINT AS n
    FROM cells
    WHERE minute NOT IN (SELECT minute FROM imports)
    GROUP BY ALL
)
SELECT n, count(*) AS hours
FROM hours
GROUP BY n
