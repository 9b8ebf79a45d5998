WITH priced AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, segment, product,
        coalesce(account_id, 'deal ' || deal_id) AS account, list_amount AS listed, amount AS net,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status = 'won'
), sized AS (
    SELECT *,
        CASE WHEN is_priced THEN ntile(8) OVER (PARTITION BY is_priced ORDER BY listed) END
            AS size,
        depth - avg(depth) OVER (PARTITION BY rep_id) AS beyond
    FROM priced
), per_account AS (
    SELECT
        rep_id, segment, product, size, account, count(*) AS n_all, count(depth) AS n,
        count(*) FILTER (WHERE depth >= 0.0005) AS n_discounted, sum(depth) AS depth,
        sum(depth ** 2) AS squares, sum(listed) FILTER (WHERE is_priced) AS listed,
        sum(listed - net) FILTER (WHERE is_priced) AS given,
        sum(beyond) AS beyond, sum(beyond ** 2) AS alone
    FROM sized
    GROUP BY ALL
)
SELECT
    rep_id, segment, product, size, sum(n_all)::BIGINT AS n_all, sum(n)::BIGINT AS n,
    sum(n_discounted)::BIGINT AS n_discounted, sum(depth) AS depth, sum(squares) AS squares,
    sum(listed)::DOUBLE AS listed, sum(given)::DOUBLE AS given,
    sum(beyond ** 2) AS alike, sum(alone) AS alone
FROM per_account
GROUP BY ALL
