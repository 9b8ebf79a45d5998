WITH priced AS (
    SELECT
        coalesce(account_id, 'deal ' || deal_id) AS account, status, closed_at::DATE AS closed_on,
        list_amount AS listed, amount AS net, cost_amount AS cost,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status = 'won'
), per_account AS (
    SELECT
        account, count(*) AS n_deals, count(*) FILTER (WHERE is_priced) AS n_priced,
        count(*) FILTER (WHERE depth >= 0.0005) AS n_discounted,
        count(cost) FILTER (WHERE is_priced) AS n_with_cost,
        coalesce(sum(listed - net) FILTER (WHERE is_priced), 0) AS given,
        coalesce(sum(listed) FILTER (WHERE is_priced), 0) AS listed,
        coalesce(sum(net - cost) FILTER (WHERE is_priced), 0) AS contribution,
        coalesce(sum(net) FILTER (WHERE is_priced AND cost IS NOT NULL), 0) AS costed_net
    FROM priced
    GROUP BY account
)
SELECT
    sum(n_deals)::BIGINT AS n_deals, sum(n_priced)::BIGINT AS n_priced,
    sum(n_discounted)::BIGINT AS n_discounted, sum(n_with_cost)::BIGINT AS n_with_cost,
    sum(given)::DOUBLE AS money_part, sum(listed)::DOUBLE AS money_whole,
    sum(given::DOUBLE ** 2) AS money_pp,
    sum(given::DOUBLE * listed::DOUBLE) AS money_pw,
    sum(listed::DOUBLE ** 2) AS money_ww,
    count(*) FILTER (WHERE listed <> 0) AS money_n,
    sum(contribution)::DOUBLE AS costed_part, sum(costed_net)::DOUBLE AS costed_whole,
    sum(contribution::DOUBLE ** 2) AS costed_pp,
    sum(contribution::DOUBLE * costed_net::DOUBLE) AS costed_pw,
    sum(costed_net::DOUBLE ** 2) AS costed_ww,
    count(*) FILTER (WHERE costed_net <> 0) AS costed_n
FROM per_account
