-- answered and converted leads by rep and month, with and without doubtful ones
WITH answers AS (
    SELECT
        *, CASE WHEN first_response_at::DATE <= getvariable('as_of') THEN first_response_at END
            AS answered_at
    FROM leads
    WHERE created_at::DATE <= getvariable('as_of')
), rows AS (
    SELECT
        created_at, status, deal_id, coalesce(rep_id, 'unassigned') AS rep_id, answered_at,
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
), doubted AS (
    SELECT
        r.*, c.minute IS NOT NULL AND i.minute IS NULL AS is_suspect,
        coalesce(answered_at::DATE < created_at::DATE
                 OR (answered_at < created_at AND answered_at <> date_trunc('day', answered_at)),
                 false) OR coalesce(status = 'converted' AND deal_id IS NULL, false)
            AS is_contradictory
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
)
SELECT
    rep_id, date_trunc('month', created_at)::DATE AS month, count(*) AS n_rows,
    count(*) FILTER (WHERE is_suspect) AS n_suspect,
    count(*) FILTER (WHERE is_contradictory) AS n_contradictory,
    count(*) FILTER (WHERE is_suspect OR is_contradictory) AS n_left_out,
    count(answered_at) AS n_answered,
    count(answered_at) FILTER (WHERE NOT is_suspect AND NOT is_contradictory) AS kept_answered,
    count(deal_id) AS n_converted,
    count(deal_id) FILTER (WHERE NOT is_suspect AND NOT is_contradictory) AS kept_converted
FROM doubted
GROUP BY ALL
