-- wins of each rep against those of all with like deals
WITH cells AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS unit_id, coalesce(source, 'unassigned') AS source,
        coalesce(segment, 'unassigned') AS segment, coalesce(product, 'unassigned') AS product,
        coalesce(year(created_at) * 4 + quarter(created_at), -1) AS quarter,
        count(*)::DOUBLE AS n_cases, (count(*) FILTER (WHERE status = 'won'))::DOUBLE AS n_events
    FROM deals
    WHERE status <> 'open'
    GROUP BY ALL
), totals AS (
    SELECT source, segment, product, quarter, sum(n_cases) AS whole, sum(n_events) AS events
    FROM cells
    WHERE unit_id <> 'unassigned'
    GROUP BY ALL
), compared AS (
    SELECT
        unit_id, n_cases, n_events, whole - n_cases AS others, events / whole AS rate,
        events - n_events AS others_hit, whole
    FROM cells
    LEFT JOIN totals USING (source, segment, product, quarter)
), told AS (
    SELECT
        *, n_cases * rate * (1 - rate) AS spread,
        n_events * (others - others_hit) / whole AS above,
        (n_cases - n_events) * others_hit / whole AS below,
        (n_events + others - others_hit) / whole AS agreeing
    FROM compared
)
SELECT
    unit_id, sum(n_cases)::BIGINT AS n_cases, sum(n_events)::BIGINT AS n_events,
    (sum(n_cases) FILTER (WHERE others > 0))::BIGINT AS n_compared,
    sum(n_cases * rate) AS expected, sum(spread) AS own_variance,
    sum(spread * others / nullif(whole - 1, 0)) AS variance,
    sum(above) AS odds_above, sum(below) AS odds_below, sum(agreeing * above) AS above_agreeing,
    sum(agreeing * below + (1 - agreeing) * above) AS mixed,
    sum((1 - agreeing) * below) AS below_opposed
FROM told
GROUP BY unit_id
