-- wins of each band against those that deals of the same size have in the first
WITH priced AS (
    SELECT
        coalesce(account_id, 'deal ' || deal_id) AS account, status, closed_at::DATE AS closed_on,
        list_amount AS listed, amount AS net, cost_amount AS cost,
        coalesce(list_amount > 0 AND amount > 0, false) AS is_priced,
        CASE WHEN list_amount > 0 AND amount > 0
             THEN 1 - amount::DOUBLE / list_amount::DOUBLE END AS depth
    FROM deals
    WHERE status IN ('won', 'lost') AND list_amount > 0 AND amount > 0
), banded AS (
    SELECT account, (status = 'won')::INTEGER AS won, ntile(5) OVER (ORDER BY listed) AS size,
           CASE WHEN depth < 0.0005 THEN 0 WHEN depth < 0.0505 THEN 1 WHEN depth < 0.1005 THEN 2
             WHEN depth < 0.1505 THEN 3 WHEN depth < 0.2005 THEN 4 WHEN depth < 0.3005 THEN 5
             ELSE 6 END AS band
    FROM priced
), first AS (
    SELECT size, avg(won) AS expected FROM banded WHERE band = 0 GROUP BY size
), per_account AS (
    SELECT band, account, count(*) AS n, sum(won - expected) AS beyond, sum(expected) AS expected
    FROM banded
    JOIN first USING (size)
    GROUP BY band, account
)
SELECT
    band, sum(n)::BIGINT AS n_compared,
    sum(beyond)::DOUBLE AS volume_part, sum(expected)::DOUBLE AS volume_whole,
    sum(beyond::DOUBLE ** 2) AS volume_pp,
    sum(beyond::DOUBLE * expected::DOUBLE) AS volume_pw,
    sum(expected::DOUBLE ** 2) AS volume_ww,
    count(*) FILTER (WHERE expected <> 0) AS volume_n
FROM per_account
GROUP BY band
