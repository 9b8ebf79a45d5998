WITH sold AS (
    SELECT
        product, coalesce(account_id, 'deal ' || deal_id) AS account, amount,
        CASE WHEN closed_at::DATE > getvariable('as_of') - INTERVAL 12 MONTH THEN 'window'
             ELSE 'base' END AS side
    FROM deals
    WHERE status = 'won' AND closed_at::DATE <= getvariable('as_of')
      AND closed_at::DATE > getvariable('as_of') - INTERVAL 24 MONTH
)
SELECT
    product, side, hash(account) % 100 AS bucket,
    count(*) FILTER (WHERE amount > 0) AS quantity,
    sum(amount) FILTER (WHERE amount > 0)::DOUBLE AS value,
    count(DISTINCT account) FILTER (WHERE amount > 0) AS n_accounts,
    count(*) FILTER (WHERE coalesce(amount, 0) <= 0) AS n_left_out
FROM sold
GROUP BY ALL
