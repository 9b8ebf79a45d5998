SELECT coalesce(rep_id, 'unassigned') AS rep_id, created_at::DATE AS day, count(*) AS n_created
FROM deals
WHERE created_at::DATE <= getvariable('as_of')
GROUP BY ALL
