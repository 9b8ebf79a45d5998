-- whether ids repeat, and whether several leads name one deal
SELECT
    count(*) AS n_rows, count(DISTINCT lead_id) AS n_ids, count(deal_id) AS n_named,
    count(DISTINCT deal_id) AS n_deals, min(created_at)::DATE AS first_on
FROM leads
