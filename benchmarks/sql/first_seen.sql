-- the first day on which each rep is named
SELECT rep_id, min(seen_at)::DATE AS seen_on
FROM (
    SELECT rep_id, least(min(created_at), min(closed_at)) AS seen_at FROM deals GROUP BY rep_id
    UNION ALL
    SELECT rep_id, min(occurred_at) FROM activities GROUP BY rep_id
)
WHERE rep_id IS NOT NULL
GROUP BY rep_id
