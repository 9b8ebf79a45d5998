WITH priced AS (
    SELECT
        coalesce(account_id, 'deal ' || deal_id) AS account, status, closed_at::DATE AS closed_on,
        list_amount AS listed, amount AS net, cost_amount AS cost,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status IN ('won', 'lost')
), per_account AS (
    SELECT
        status, account, count(*) AS n_cases,
        count(*) FILTER (WHERE is_priced) AS n_priced,
        count(*) FILTER (WHERE depth >= 0.0005) AS n_discounted,
        count(*) FILTER (WHERE depth <= -0.0005) AS n_above_list,
        coalesce(sum(depth), 0) AS depth,
        coalesce(sum(listed - net) FILTER (WHERE is_priced), 0) AS given,
        coalesce(sum(listed) FILTER (WHERE is_priced), 0) AS listed
    FROM priced
    GROUP BY status, account
)
SELECT
    status, sum(n_cases)::BIGINT AS n_cases, sum(n_discounted)::BIGINT AS n_discounted,
    sum(n_above_list)::BIGINT AS n_above_list,
    sum(depth)::DOUBLE AS mean_part, sum(n_priced)::DOUBLE AS mean_whole,
    sum(depth::DOUBLE ** 2) AS mean_pp,
    sum(depth::DOUBLE * n_priced::DOUBLE) AS mean_pw,
    sum(n_priced::DOUBLE ** 2) AS mean_ww,
    count(*) FILTER (WHERE n_priced <> 0) AS mean_n,
    sum(given)::DOUBLE AS money_part, sum(listed)::DOUBLE AS money_whole,
    sum(given::DOUBLE ** 2) AS money_pp,
    sum(given::DOUBLE * listed::DOUBLE) AS money_pw,
    sum(listed::DOUBLE ** 2) AS money_ww,
    count(*) FILTER (WHERE listed <> 0) AS money_n
FROM per_account
GROUP BY status
