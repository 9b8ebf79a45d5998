-- leads that contradict themselves or their deal
WITH told AS (
    SELECT
        coalesce(l.rep_id, 'unassigned') AS rep_id, l.deal_id, d.amount AS worth,
        first_response_at IS NOT NULL AS can_early,
        coalesce(first_response_at::DATE < l.created_at::DATE
                 OR (first_response_at < l.created_at
                     AND first_response_at <> date_trunc('day', first_response_at)), false)
            AS is_early,
        coalesce(l.status = 'converted', false) AS can_unnamed,
        coalesce(l.status = 'converted' AND l.deal_id IS NULL, false) AS is_unnamed
    FROM leads l
    LEFT JOIN deals d ON d.deal_id = l.deal_id
    WHERE l.created_at::DATE <= getvariable('as_of')
),
per_deal AS (
    SELECT
        rep_id, CASE WHEN is_early OR is_unnamed
             THEN deal_id END AS concerned, max(worth) AS worth,
        count(*) FILTER (WHERE can_early) AS whole_early,
        count(*) FILTER (WHERE is_early) AS part_early,
        count(*) FILTER (WHERE can_unnamed) AS whole_unnamed,
        count(*) FILTER (WHERE is_unnamed) AS part_unnamed
    FROM told
    GROUP BY ALL
)
SELECT
    rep_id,
    sum(whole_early)::BIGINT AS whole_early,
    sum(part_early)::BIGINT AS part_early,
    (sum(part_early ** 2) FILTER (WHERE concerned IS NOT NULL))::BIGINT
        AS squares_early,
    count(concerned) FILTER (WHERE part_early > 0) AS deals_early,
    sum(worth) FILTER (WHERE concerned IS NOT NULL AND part_early > 0)::DOUBLE
        AS amount_early,
    sum(whole_unnamed)::BIGINT AS whole_unnamed,
    sum(part_unnamed)::BIGINT AS part_unnamed,
    (sum(part_unnamed ** 2) FILTER (WHERE concerned IS NOT NULL))::BIGINT
        AS squares_unnamed,
    count(concerned) FILTER (WHERE part_unnamed > 0) AS deals_unnamed,
    sum(worth) FILTER (WHERE concerned IS NOT NULL AND part_unnamed > 0)::DOUBLE
        AS amount_unnamed
FROM per_deal
GROUP BY rep_id
