SELECT
    count(*) AS n_deals,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE amount > 0) AS n_with_amount,
    count(*) FILTER (WHERE amount > 0 AND status <> 'won') AS n_not_won_with_amount,
    sum(amount) FILTER (WHERE status = 'won' AND amount > 0)::DOUBLE AS won_amount,
    sum(amount) FILTER (WHERE amount > 0)::DOUBLE AS total_amount,
    max(amount) FILTER (WHERE amount > 0)::DOUBLE AS largest,
    max(amount) FILTER (WHERE status = 'won' AND amount > 0)::DOUBLE AS largest_won,
    sum(amount::DOUBLE ** 2) FILTER (WHERE status = 'won' AND amount > 0) AS won_squares,
    sum(amount::DOUBLE ** 2) FILTER (WHERE amount > 0) AS all_squares
FROM deals
WHERE status <> 'open'
