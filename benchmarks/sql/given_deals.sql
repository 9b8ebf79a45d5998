SELECT coalesce(rep_id, 'unassigned') AS rep_id, count(*) AS n_given
FROM deals
WHERE created_at::DATE > getvariable('as_of') - INTERVAL 12 MONTH
GROUP BY ALL
