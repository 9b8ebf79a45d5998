WITH per_account AS (
    SELECT
        slot % 3 AS phase, coalesce(account_id, 'deal ' || deal_id) AS account, count(*) AS n,
        sum(list_amount - amount) AS given, sum(list_amount) AS listed
    FROM deals
    JOIN quarter_days ON day = closed_at::DATE
    WHERE status = 'won' AND list_amount > 0 AND amount > 0 AND is_whole
    GROUP BY ALL
)
SELECT
    phase, sum(n)::BIGINT AS n_priced,
    sum(given)::DOUBLE AS money_part, sum(listed)::DOUBLE AS money_whole,
    sum(given::DOUBLE ** 2) AS money_pp,
    sum(given::DOUBLE * listed::DOUBLE) AS money_pw,
    sum(listed::DOUBLE ** 2) AS money_ww,
    count(*) FILTER (WHERE listed <> 0) AS money_n
FROM per_account
GROUP BY phase
