-- what was sold of each product, and what came back, in the last twelve months and the twelve
-- before; deals won without a day of closing are counted only
WITH sold AS (
    SELECT
        coalesce(product, 'unassigned') AS product, amount,
        coalesce(account_id, 'deal ' || deal_id) AS account,
        CASE WHEN amount > 0 THEN 'sold' WHEN amount < 0 THEN 'returns' ELSE 'nothing' END AS kind,
        CASE WHEN closed_at IS NULL THEN 'undated'
             WHEN closed_at::DATE > getvariable('as_of') - INTERVAL 12 MONTH THEN 'window'
             ELSE 'base' END AS side
    FROM deals
    WHERE status = 'won'
      AND (closed_at IS NULL OR (closed_at::DATE <= getvariable('as_of')
                                 AND closed_at::DATE > getvariable('as_of') - INTERVAL 24 MONTH))
)
SELECT
    CASE WHEN kind = 'sold' THEN product ELSE '' END AS product, kind, side,
    hash(account) % 100 AS bucket,
    count(*) FILTER (WHERE kind = 'sold') AS quantity,
    sum(amount)::DOUBLE AS value,
    count(DISTINCT account) FILTER (WHERE kind <> 'nothing') AS n_accounts,
    count(*) AS n_deals
FROM sold
GROUP BY ALL
