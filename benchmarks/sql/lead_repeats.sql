-- whether ids repeat
SELECT count(*) AS n_rows, count(DISTINCT lead_id) AS n_ids, min(created_at)::DATE AS first_on
FROM leads
