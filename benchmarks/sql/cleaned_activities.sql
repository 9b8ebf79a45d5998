-- activities by rep and month, with and without doubtful ones
WITH rows AS (
    SELECT
        deal_id, coalesce(rep_id, 'unassigned') AS rep_id, activity_type, outcome,
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
        coalesce(length > 0 AND length % 300 = 0, false) AND NOT is_import AS is_round
    FROM marked
), doubted AS (
    SELECT
        t.rep_id, occurred_at, is_burst OR is_one_minute OR is_zero OR is_same AS is_suspect,
        coalesce(d.status <> 'open' AND occurred_at::DATE > d.closed_at::DATE, false)
            AS is_contradictory
    FROM told t
    LEFT JOIN deals d USING (deal_id)
)
SELECT
    rep_id, date_trunc('month', occurred_at)::DATE AS month, count(*) AS n_rows,
    count(*) FILTER (WHERE is_suspect) AS n_suspect,
    count(*) FILTER (WHERE is_contradictory) AS n_contradictory,
    count(*) FILTER (WHERE is_suspect OR is_contradictory) AS n_left_out
FROM doubted
GROUP BY ALL
