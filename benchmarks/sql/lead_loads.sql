-- leads that came in within three months, each once
WITH once AS (
    SELECT lead_id, min(created_at)::DATE AS came_on, arg_min(rep_id, created_at) AS rep_id
    FROM leads
    WHERE created_at::DATE <= getvariable('as_of')
    GROUP BY lead_id
)
SELECT coalesce(rep_id, 'unassigned') AS rep_id, count(*) AS new_leads
FROM once
WHERE came_on > getvariable('as_of') - INTERVAL 3 MONTH
GROUP BY ALL
