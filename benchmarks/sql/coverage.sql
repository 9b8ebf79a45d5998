WITH priced AS (
    SELECT
        coalesce(account_id, 'deal ' || deal_id) AS account, status, closed_at::DATE AS closed_on,
        list_amount AS listed, amount AS net, cost_amount AS cost,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status IN ('won', 'lost')
)
SELECT
    status, count(*) AS n, count(*) FILTER (WHERE is_priced) AS n_priced,
    count(*) FILTER (WHERE depth >= 0.0005) AS n_off,
    min(closed_on) FILTER (WHERE is_priced) AS first_on,
    max(closed_on) FILTER (WHERE is_priced) AS last_on
FROM priced
GROUP BY status
