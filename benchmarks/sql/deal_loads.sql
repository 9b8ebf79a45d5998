-- deals on each rep's desk, and those that came in within three months
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id,
    count(*) FILTER (WHERE status = 'open' OR closed_at::DATE > getvariable('as_of'))
        AS open_deals,
    count(*) FILTER (WHERE created_at::DATE > getvariable('as_of') - INTERVAL 3 MONTH)
        AS new_deals
FROM deals
GROUP BY ALL
