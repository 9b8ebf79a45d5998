-- how often what deals are told apart by is filled, on deals won and on deals lost
SELECT
    status, count(*) AS n, count(source) AS known_source, count(segment) AS known_segment,
    count(product) AS known_product
FROM deals
WHERE status <> 'open'
GROUP BY status
