-- what each rep won, and how much of it hangs on single accounts
WITH per_account AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS holder_id,
        coalesce('a' || account_id, 'd' || deal_id) AS account, count(*) AS n,
        coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::DOUBLE AS paid,
        count(*) FILTER (WHERE amount IS NULL OR amount <= 0) AS n_free
    FROM deals
    WHERE status = 'won'
    GROUP BY ALL
)
SELECT
    holder_id, sum(n)::BIGINT AS n_deals, sum(paid) AS amount,
    sum(n_free)::BIGINT AS n_without_amount, sum(paid * paid) AS amount_squares,
    sum(n * n)::DOUBLE AS deal_squares
FROM per_account
GROUP BY holder_id
