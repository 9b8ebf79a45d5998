-- activities after their deal was closed
WITH told AS (
    SELECT
        coalesce(a.rep_id, 'unassigned') AS rep_id, deal_id, d.amount AS worth,
        status <> 'open' AND closed_at IS NOT NULL AS can_late,
        coalesce(status <> 'open' AND occurred_at::DATE > closed_at::DATE, false) AS is_late
    FROM activities a
    JOIN deals d USING (deal_id)
    WHERE occurred_at::DATE <= getvariable('as_of')
),
per_deal AS (
    SELECT
        rep_id, CASE WHEN is_late
             THEN deal_id END AS concerned, max(worth) AS worth,
        count(*) FILTER (WHERE can_late) AS whole_late,
        count(*) FILTER (WHERE is_late) AS part_late
    FROM told
    GROUP BY ALL
)
SELECT
    rep_id,
    sum(whole_late)::BIGINT AS whole_late,
    sum(part_late)::BIGINT AS part_late,
    (sum(part_late ** 2) FILTER (WHERE concerned IS NOT NULL))::BIGINT
        AS squares_late,
    count(concerned) FILTER (WHERE part_late > 0) AS deals_late,
    sum(worth) FILTER (WHERE concerned IS NOT NULL AND part_late > 0)::DOUBLE
        AS amount_late
FROM per_deal
GROUP BY rep_id
