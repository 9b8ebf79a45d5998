WITH priced AS (
    SELECT
        coalesce(account_id, 'deal ' || deal_id) AS account, status, closed_at::DATE AS closed_on,
        list_amount AS listed, amount AS net, cost_amount AS cost,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status = 'won' AND list_amount > 0 AND amount > 0
), banded AS (
    SELECT *, CASE WHEN depth < 0.0005 THEN 0 WHEN depth < 0.0505 THEN 1 WHEN depth < 0.1005 THEN 2
             WHEN depth < 0.1505 THEN 3 WHEN depth < 0.2005 THEN 4 WHEN depth < 0.3005 THEN 5
             ELSE 6 END AS band
    FROM priced
), per_account AS (
    SELECT
        band, account, count(*) AS n_priced, count(cost) AS n_with_cost,
        sum(listed - net) AS given, sum(listed) AS listed,
        coalesce(sum(net - cost), 0) AS contribution,
        coalesce(sum(net) FILTER (WHERE cost IS NOT NULL), 0) AS costed_net,
        coalesce(sum(listed - cost), 0) AS at_list,
        coalesce(sum(listed) FILTER (WHERE cost IS NOT NULL), 0) AS costed_list
    FROM banded
    GROUP BY band, account
)
SELECT
    band, sum(n_priced)::BIGINT AS n_priced, sum(n_with_cost)::BIGINT AS n_with_cost,
    sum(given)::DOUBLE AS money_part, sum(listed)::DOUBLE AS money_whole,
    sum(given::DOUBLE ** 2) AS money_pp,
    sum(given::DOUBLE * listed::DOUBLE) AS money_pw,
    sum(listed::DOUBLE ** 2) AS money_ww,
    count(*) FILTER (WHERE listed <> 0) AS money_n,
    sum(contribution)::DOUBLE AS costed_part, sum(costed_net)::DOUBLE AS costed_whole,
    sum(contribution::DOUBLE ** 2) AS costed_pp,
    sum(contribution::DOUBLE * costed_net::DOUBLE) AS costed_pw,
    sum(costed_net::DOUBLE ** 2) AS costed_ww,
    count(*) FILTER (WHERE costed_net <> 0) AS costed_n,
    sum(at_list)::DOUBLE AS at_list_part, sum(costed_list)::DOUBLE AS at_list_whole,
    sum(at_list::DOUBLE ** 2) AS at_list_pp,
    sum(at_list::DOUBLE * costed_list::DOUBLE) AS at_list_pw,
    sum(costed_list::DOUBLE ** 2) AS at_list_ww,
    count(*) FILTER (WHERE costed_list <> 0) AS at_list_n
FROM per_account
GROUP BY band
