-- answered leads of each rep against those of all with like leads; leads younger than those were
-- at which 95 of 100 had been answered are open
WITH known AS (
    SELECT *, created_at::DATE AS born_on,
           CASE WHEN first_response_at::DATE <= getvariable('as_of')
                THEN first_response_at::DATE END AS come_on
    FROM leads
    WHERE created_at IS NULL OR created_at::DATE <= getvariable('as_of')
), settled AS (
    SELECT getvariable('as_of') - greatest(quantile_disc(come_on - born_on, 0.95), 1)::INT
        AS last_on
    FROM known
    WHERE born_on IS NOT NULL AND come_on IS NOT NULL
), cells AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS unit_id, coalesce(source, 'unassigned') AS source,
        coalesce(segment, 'unassigned') AS segment, '' AS product,
        coalesce(year(born_on) * 4 + quarter(born_on), -1) AS quarter,
        (count(*) FILTER (WHERE born_on <= last_on))::DOUBLE AS n_cases,
        (count(come_on) FILTER (WHERE born_on <= last_on))::DOUBLE AS n_events,
        count(*) FILTER (WHERE born_on > last_on) AS n_open
    FROM known
    CROSS JOIN settled
    GROUP BY ALL
), totals AS (
    SELECT source, segment, product, quarter, sum(n_cases) AS whole, sum(n_events) AS events
    FROM cells
    WHERE unit_id <> 'unassigned'
    GROUP BY ALL
), compared AS (
    SELECT
        unit_id, n_cases, n_events, n_open, whole - n_cases AS others,
        events / nullif(whole, 0) AS rate,
        events - n_events AS others_hit,
        nullif(whole, 0) AS whole
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
    sum(n_open)::BIGINT AS n_open, (sum(n_cases) FILTER (WHERE others > 0))::BIGINT AS n_compared,
    sum(n_cases * rate) AS expected, sum(spread) AS own_variance,
    sum(spread * others / nullif(whole - 1, 0)) AS variance,
    sum(above) AS odds_above, sum(below) AS odds_below, sum(agreeing * above) AS above_agreeing,
    sum(agreeing * below + (1 - agreeing) * above) AS mixed,
    sum((1 - agreeing) * below) AS below_opposed
FROM told
GROUP BY unit_id
