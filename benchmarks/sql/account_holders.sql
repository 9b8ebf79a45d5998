-- what the 2,000 largest accounts brought, and all together
WITH holders AS (
    SELECT
        coalesce(account_id, 'unassigned') AS holder_id, count(*) AS n_deals,
        coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::DOUBLE AS amount,
        count(*) FILTER (WHERE amount IS NULL OR amount <= 0) AS n_without_amount,
        coalesce(sum(amount::DOUBLE ** 2) FILTER (WHERE amount > 0), 0) AS amount_squares
    FROM deals
    WHERE status = 'won'
    GROUP BY ALL
), totals AS (
    SELECT
        count(*) AS all_holders, sum(n_deals)::BIGINT AS all_n_deals, sum(amount) AS all_amount,
        sum(amount_squares) AS all_amount_squares, sum(amount * amount) AS all_others_amount,
        sum(n_deals * n_deals)::BIGINT AS all_others_deals
    FROM holders
    WHERE holder_id <> 'unassigned'
), largest AS (
    SELECT *
    FROM holders
    WHERE holder_id <> 'unassigned'
    ORDER BY amount DESC, n_deals DESC, holder_id
    LIMIT 2000
)
SELECT *
FROM (FROM largest UNION ALL FROM holders WHERE holder_id = 'unassigned')
CROSS JOIN totals
