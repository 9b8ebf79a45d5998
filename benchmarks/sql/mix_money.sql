-- money of deals won by each rep, per deal and per list price, against that of like deals
WITH won AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS unit_id, coalesce(source, 'unassigned') AS source,
        coalesce(segment, 'unassigned') AS segment, coalesce(product, 'unassigned') AS product,
        amount::DOUBLE AS money, list_amount::DOUBLE AS listed
    FROM deals
    WHERE status = 'won' AND amount > 0
), summed AS (
    SELECT
        unit_id, source, segment, product, count(*)::DOUBLE AS n, sum(money) AS money,
        sum(money * money) AS squares, count(*) FILTER (WHERE listed > 0) AS n_listed,
        sum(listed) FILTER (WHERE listed > 0) AS listed,
        sum(money) FILTER (WHERE listed > 0) AS money_listed,
        sum(listed * listed) FILTER (WHERE listed > 0) AS listed_squares,
        sum(money * money) FILTER (WHERE listed > 0) AS squares_listed,
        sum(listed * money) FILTER (WHERE listed > 0) AS products
    FROM won
    GROUP BY ALL
), cells AS (
    SELECT
        'won_amount' AS metric, unit_id, source, segment, product, n AS n_cases, n AS size,
        money AS seen, n AS size_squares, squares AS seen_squares, money AS products
    FROM summed
    UNION ALL
    SELECT
        'price_realisation', unit_id, source, segment, product, n_listed, listed, money_listed,
        listed_squares, squares_listed, products
    FROM summed
    WHERE n_listed > 0
), totals AS (
    SELECT
        metric, source, segment, product, sum(size) AS whole, sum(seen) / sum(size) AS rate,
        sum(size_squares) AS squares
    FROM cells
    WHERE unit_id <> 'unassigned'
    GROUP BY ALL
)
SELECT
    metric, unit_id, sum(n_cases)::BIGINT AS n_cases, sum(size) AS size, sum(seen) AS seen,
    sum(size * rate) AS expected,
    (sum(n_cases) FILTER (WHERE whole > size))::BIGINT AS n_compared,
    sum(rate * rate * size_squares) AS own_variance,
    sum(rate * rate * size_squares * (1 - size / whole)) AS variance,
    sum(seen_squares - 2 * rate * products + rate * rate * size_squares) AS misfit,
    sum(rate * rate * size_squares * (1 - squares / (whole * whole))) AS room
FROM cells
LEFT JOIN totals USING (metric, source, segment, product)
GROUP BY metric, unit_id
