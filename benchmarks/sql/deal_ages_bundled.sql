-- the same by bundles of accounts, for draws; deals without an account by their day of creation
SELECT
    coalesce(hash(account_id), hash(created_at::DATE)) % 40 AS bundle,
    CASE WHEN created_at IS NULL OR (status <> 'open' AND closed_at IS NULL) THEN -1
         ELSE greatest(date_diff('day', created_at::DATE,
                                 CASE WHEN status = 'open' THEN getvariable('as_of')
                                      ELSE closed_at::DATE END), 0) END AS age_days,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE status = 'open') AS n_open,
    count(amount) FILTER (WHERE status = 'won') AS n_priced,
    sum(amount) FILTER (WHERE status = 'won')::DOUBLE AS won_amount
FROM deals
GROUP BY ALL
