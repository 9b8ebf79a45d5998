-- stage changes that contradict their deal or each other
WITH placed AS (
    SELECT
        m.deal_id, m.stage, entered_at, coalesce(m.rep_id, 'unassigned') AS rep_id,
        d.created_at, d.closed_at, d.status, d.amount AS worth,
        CASE m.stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                     WHEN 'Negotiation' THEN 3 END AS place
    FROM stage_changes m
    JOIN deals d USING (deal_id)
    WHERE entered_at::DATE <= getvariable('as_of')
), followed AS (
    SELECT
        *, lag(place) OVER each_deal AS place_before, lag(rep_id) OVER each_deal AS rep_before,
        lag(entered_at) OVER each_deal AS before_at
    FROM placed
    WINDOW each_deal AS (PARTITION BY deal_id ORDER BY entered_at, place, stage, rep_id)
), told AS (
    SELECT
        rep_id, deal_id, worth, created_at IS NOT NULL AS can_early,
        coalesce(entered_at::DATE < created_at::DATE, false) AS is_early,
        status <> 'open' AND closed_at IS NOT NULL AS can_late,
        coalesce(status <> 'open' AND entered_at::DATE > closed_at::DATE, false) AS is_late,
        place_before IS NOT NULL AND place IS NOT NULL AS can_backwards,
        coalesce(place_before - place >= 2, false) AS is_backwards,
        before_at IS NOT NULL AS can_overlap,
        coalesce(before_at::DATE = entered_at::DATE AND rep_before <> rep_id, false)
            AS is_overlap
    FROM followed
),
per_deal AS (
    SELECT
        rep_id, CASE WHEN is_early OR is_late OR is_backwards OR is_overlap
             THEN deal_id END AS concerned, max(worth) AS worth,
        count(*) FILTER (WHERE can_early) AS whole_early,
        count(*) FILTER (WHERE is_early) AS part_early,
        count(*) FILTER (WHERE can_late) AS whole_late,
        count(*) FILTER (WHERE is_late) AS part_late,
        count(*) FILTER (WHERE can_backwards) AS whole_backwards,
        count(*) FILTER (WHERE is_backwards) AS part_backwards,
        count(*) FILTER (WHERE can_overlap) AS whole_overlap,
        count(*) FILTER (WHERE is_overlap) AS part_overlap
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
    sum(whole_late)::BIGINT AS whole_late,
    sum(part_late)::BIGINT AS part_late,
    (sum(part_late ** 2) FILTER (WHERE concerned IS NOT NULL))::BIGINT
        AS squares_late,
    count(concerned) FILTER (WHERE part_late > 0) AS deals_late,
    sum(worth) FILTER (WHERE concerned IS NOT NULL AND part_late > 0)::DOUBLE
        AS amount_late,
    sum(whole_backwards)::BIGINT AS whole_backwards,
    sum(part_backwards)::BIGINT AS part_backwards,
    (sum(part_backwards ** 2) FILTER (WHERE concerned IS NOT NULL))::BIGINT
        AS squares_backwards,
    count(concerned) FILTER (WHERE part_backwards > 0) AS deals_backwards,
    sum(worth) FILTER (WHERE concerned IS NOT NULL AND part_backwards > 0)::DOUBLE
        AS amount_backwards,
    sum(whole_overlap)::BIGINT AS whole_overlap,
    sum(part_overlap)::BIGINT AS part_overlap,
    (sum(part_overlap ** 2) FILTER (WHERE concerned IS NOT NULL))::BIGINT
        AS squares_overlap,
    count(concerned) FILTER (WHERE part_overlap > 0) AS deals_overlap,
    sum(worth) FILTER (WHERE concerned IS NOT NULL AND part_overlap > 0)::DOUBLE
        AS amount_overlap
FROM per_deal
GROUP BY rep_id
