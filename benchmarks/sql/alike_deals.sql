-- deals that are alike by kind, rep, size and time of the quarter, by depth of discount
WITH priced AS (
    SELECT
        segment, product, rep_id, status, closed_at::DATE AS day,
        list_amount::DOUBLE AS listed, amount::DOUBLE AS net, cost_amount::DOUBLE AS cost,
        1 - amount::DOUBLE / list_amount::DOUBLE AS depth,
        ntile(8) OVER (ORDER BY list_amount) AS size
    FROM deals
    WHERE status IN ('won', 'lost') AND list_amount > 0 AND amount > 0
), reps AS (
    SELECT rep_id, ntile(24) OVER (ORDER BY avg(depth), rep_id) AS bundle
    FROM priced
    GROUP BY rep_id
), alike AS (
    SELECT
        segment, product, bundle, size, coalesce(is_end, false) AS at_end, status, depth,
        CASE WHEN status = 'won' THEN net / listed ELSE 0 END AS brought,
        CASE WHEN status = 'won' THEN (net - cost) / listed ELSE 0 END AS left_over,
        CASE WHEN depth < 0.0005 THEN 0 WHEN depth < 0.0505 THEN 1 WHEN depth < 0.1005 THEN 2
             WHEN depth < 0.1505 THEN 3 WHEN depth < 0.2005 THEN 4 WHEN depth < 0.3005 THEN 5
             ELSE 6 END AS band
    FROM priced
    JOIN reps ON reps.rep_id IS NOT DISTINCT FROM priced.rep_id
    LEFT JOIN quarter_ends USING (day)
)
SELECT
    segment, product, bundle, size, at_end, band,
    count(*) AS n, count(*) FILTER (WHERE status = 'won') AS n_won,
    count(left_over) AS n_with_cost, sum(depth) AS depth,
    sum(brought) AS net, sum(brought ** 2) AS net_squares,
    sum(left_over) AS "left", sum(left_over ** 2) AS left_squares
FROM alike
GROUP BY ALL
