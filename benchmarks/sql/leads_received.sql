-- the leads of each rep by month and kind, and how many of the older ones were qualified
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, year(created_at) * 12 + month(created_at) AS month,
    source, segment, count(*) AS n,
    count(*) FILTER (WHERE created_at::DATE <= getvariable('as_of') - 30) AS n_mature,
    count(*) FILTER (WHERE created_at::DATE <= getvariable('as_of') - 30
                       AND status IN ('qualified', 'converted')) AS n_hit
FROM leads
WHERE created_at::DATE <= getvariable('as_of')
GROUP BY ALL
