-- money of deals won by each rep, per deal and per list price, against that of like deals
WITH won AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS unit_id, coalesce(source, 'unassigned') AS source,
        coalesce(segment, 'unassigned') AS segment, coalesce(product, 'unassigned') AS product,
        amount::DOUBLE AS money, list_amount::DOUBLE AS listed
    FROM deals
    WHERE status = 'won'
), summed AS (
    SELECT
        unit_id, source, segment, product, count(*) AS n_all,
        (count(*) FILTER (WHERE money > 0))::DOUBLE AS n,
        coalesce(sum(money) FILTER (WHERE money > 0), 0) AS money,
        coalesce(sum(money * money) FILTER (WHERE money > 0), 0) AS squares,
        count(*) FILTER (WHERE money > 0 AND listed > 0) AS n_listed,
        coalesce(sum(listed) FILTER (WHERE money > 0 AND listed > 0), 0) AS listed,
        coalesce(sum(money) FILTER (WHERE money > 0 AND listed > 0), 0) AS money_listed,
        coalesce(sum(listed * listed) FILTER (WHERE money > 0 AND listed > 0), 0)
            AS listed_squares,
        coalesce(sum(money * money) FILTER (WHERE money > 0 AND listed > 0), 0)
            AS squares_listed,
        coalesce(sum(listed * money) FILTER (WHERE money > 0 AND listed > 0), 0) AS products
    FROM won
    GROUP BY ALL
), cells AS (
    SELECT
        'won_amount' AS metric, unit_id, source, segment, product, n AS n_cases,
        n_all - n AS n_left_out, n AS size, money AS seen, n AS size_squares,
        squares AS seen_squares, money AS products
    FROM summed
    UNION ALL
    SELECT
        'price_realisation', unit_id, source, segment, product, n_listed, n_all - n_listed, listed,
        money_listed, listed_squares, squares_listed, products
    FROM summed
), totals AS (
    SELECT
        metric, source, segment, product, nullif(sum(size), 0) AS whole,
        sum(seen) / nullif(sum(size), 0) AS rate,
        sum(size_squares) AS squares
    FROM cells
    WHERE unit_id <> 'unassigned'
    GROUP BY ALL
)
SELECT
    metric, unit_id, sum(n_cases)::BIGINT AS n_cases, sum(n_left_out)::BIGINT AS n_left_out,
    sum(size) AS size, sum(seen) AS seen,
    sum(size * rate) AS expected,
    (sum(n_cases) FILTER (WHERE whole > size))::BIGINT AS n_compared,
    sum(rate * rate * size_squares) AS own_variance,
    sum(rate * rate * size_squares * (1 - size / whole)) AS variance,
    sum(seen_squares - 2 * rate * products + rate * rate * size_squares) AS misfit,
    sum(rate * rate * size_squares * (1 - squares / (whole * whole))) AS room
FROM cells
LEFT JOIN totals USING (metric, source, segment, product)
GROUP BY metric, unit_id
