-- at each step, deals of each rep that went on, against those of all with like deals
WITH reached AS (
    SELECT
        deal_id, max(CASE stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                                WHEN 'Negotiation' THEN 3 WHEN 'Won' THEN 4 END) AS top
    FROM stage_changes
    WHERE entered_at::DATE <= getvariable('as_of')
    GROUP BY deal_id
), placed AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS unit_id, coalesce(source, 'unassigned') AS source,
        coalesce(segment, 'unassigned') AS segment, coalesce(product, 'unassigned') AS product,
        coalesce(year(created_at) * 4 + quarter(created_at), -1) AS quarter,
        status,
        coalesce(top, CASE WHEN created_at >= (SELECT min(entered_at)::DATE FROM stage_changes)
                           THEN 0 END) AS stood
    FROM deals
    LEFT JOIN reached USING (deal_id)
), wide AS (
    SELECT
        unit_id, source, segment, product, quarter, status,
        CASE WHEN stood IS NULL THEN -1 WHEN status = 'won' THEN 4 ELSE least(stood, 3) END
            AS furthest, count(*) AS n
    FROM placed
    GROUP BY ALL
), cells AS (
    SELECT
        step, unit_id, source, segment, product, quarter,
        (coalesce(sum(n) FILTER (WHERE furthest > step), 0))::DOUBLE AS n_events,
        (coalesce(sum(n) FILTER (WHERE furthest > step OR (furthest = step AND status = 'lost')),
                  0))::DOUBLE AS n_cases,
        (coalesce(sum(n) FILTER (WHERE furthest = step AND status <> 'lost'), 0))::DOUBLE
            AS n_open,
        sum(n) FILTER (WHERE furthest < 0) AS n_left_out
    FROM wide
    JOIN range(4) steps(step) ON furthest >= step OR (furthest < 0 AND step = 0)
    GROUP BY ALL
), totals AS (
    SELECT step, source, segment, product, quarter, sum(n_cases) AS whole, sum(n_events) AS events
    FROM cells
    WHERE unit_id <> 'unassigned'
    GROUP BY ALL
), compared AS (
    SELECT
        step, unit_id, n_cases, n_events, n_open, n_left_out, whole - n_cases AS others,
        events / nullif(whole, 0) AS rate, events - n_events AS others_hit,
        nullif(whole, 0) AS whole
    FROM cells
    LEFT JOIN totals USING (step, source, segment, product, quarter)
), told AS (
    SELECT
        *, n_cases * rate * (1 - rate) AS spread,
        n_events * (others - others_hit) / whole AS above,
        (n_cases - n_events) * others_hit / whole AS below,
        (n_events + others - others_hit) / whole AS agreeing
    FROM compared
)
SELECT
    step, unit_id, sum(n_cases)::BIGINT AS n_cases, sum(n_events)::BIGINT AS n_events,
    sum(n_open)::BIGINT AS n_open, sum(n_left_out)::BIGINT AS n_left_out,
    (sum(n_cases) FILTER (WHERE others > 0))::BIGINT AS n_compared,
    sum(n_cases * rate) AS expected, sum(spread) AS own_variance,
    sum(spread * others / nullif(whole - 1, 0)) AS variance,
    sum(above) AS odds_above, sum(below) AS odds_below, sum(agreeing * above) AS above_agreeing,
    sum(agreeing * below + (1 - agreeing) * above) AS mixed,
    sum((1 - agreeing) * below) AS below_opposed
FROM told
GROUP BY step, unit_id
