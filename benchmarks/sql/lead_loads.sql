SELECT coalesce(rep_id, 'unassigned') AS rep_id, count(*) AS new_leads
FROM leads
WHERE created_at::DATE > getvariable('as_of') - INTERVAL 3 MONTH
  AND created_at::DATE <= getvariable('as_of')
GROUP BY ALL
