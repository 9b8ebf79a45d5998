SELECT segment, source, product, count(*) FILTER (WHERE status = 'won') AS n_won,
       count(*) AS n_deals
FROM deals
WHERE status <> 'open'
GROUP BY ALL
