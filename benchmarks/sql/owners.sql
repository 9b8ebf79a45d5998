-- who owns any deal
SELECT DISTINCT coalesce(rep_id, 'unassigned') AS rep_id
FROM deals
