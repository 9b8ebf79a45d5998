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
        coalesce(sum(listed) FILTER (WHERE is_priced), 0) AS listed,
        coalesce(sum(listed - net) FILTER (WHERE is_priced), 0) AS given,
        coalesce(sum(net) FILTER (WHERE is_priced AND cost IS NULL), 0) AS uncosted,
        coalesce(sum(cost) FILTER (WHERE is_priced), 0) AS cost,
        coalesce(sum(net - cost) FILTER (WHERE is_priced), 0) AS contribution
    FROM priced
    GROUP BY account
)
SELECT
    sum(n_deals)::BIGINT AS n_deals, sum(n_priced)::BIGINT AS n_priced,
    sum(given)::DOUBLE AS given_part, sum(listed)::DOUBLE AS given_whole,
    sum(given::DOUBLE ** 2) AS given_pp,
    sum(given::DOUBLE * listed::DOUBLE) AS given_pw,
    sum(listed::DOUBLE ** 2) AS given_ww,
    count(*) FILTER (WHERE listed <> 0) AS given_n,
    sum(uncosted)::DOUBLE AS uncosted_part, sum(listed)::DOUBLE AS uncosted_whole,
    sum(uncosted::DOUBLE ** 2) AS uncosted_pp,
    sum(uncosted::DOUBLE * listed::DOUBLE) AS uncosted_pw,
    sum(listed::DOUBLE ** 2) AS uncosted_ww,
    count(*) FILTER (WHERE listed <> 0) AS uncosted_n,
    sum(cost)::DOUBLE AS cost_part, sum(listed)::DOUBLE AS cost_whole,
    sum(cost::DOUBLE ** 2) AS cost_pp,
    sum(cost::DOUBLE * listed::DOUBLE) AS cost_pw,
    sum(listed::DOUBLE ** 2) AS cost_ww,
    count(*) FILTER (WHERE listed <> 0) AS cost_n,
    sum(contribution)::DOUBLE AS left_part, sum(listed)::DOUBLE AS left_whole,
    sum(contribution::DOUBLE ** 2) AS left_pp,
    sum(contribution::DOUBLE * listed::DOUBLE) AS left_pw,
    sum(listed::DOUBLE ** 2) AS left_ww,
    count(*) FILTER (WHERE listed <> 0) AS left_n
FROM per_account
