WITH priced AS (
    SELECT
        coalesce(account_id, 'deal ' || deal_id) AS account, status, closed_at::DATE AS closed_on,
        list_amount AS listed, amount AS net, cost_amount AS cost,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status IN ('won', 'lost') AND list_amount > 0 AND amount > 0
)
SELECT
    status, floor(depth * 1000 + 0.5 + 1e-6)::BIGINT AS step, count(*) AS n,
    sum(listed)::DOUBLE AS listed, sum(net)::DOUBLE AS net, count(cost) AS n_with_cost,
    sum(listed) FILTER (WHERE cost IS NOT NULL)::DOUBLE AS costed_list,
    sum(net) FILTER (WHERE cost IS NOT NULL)::DOUBLE AS costed_net, sum(cost)::DOUBLE AS cost
FROM priced
GROUP BY ALL
