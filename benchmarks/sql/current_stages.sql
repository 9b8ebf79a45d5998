SELECT
    coalesce(stage, 'unassigned') AS stage,
    count(*) AS n_deals,
    count(*) FILTER (WHERE status = 'open') AS n_open,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    sum(amount) FILTER (WHERE status = 'open')::DOUBLE AS open_amount
FROM deals
GROUP BY ALL
