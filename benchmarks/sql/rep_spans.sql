-- the first and the last day on which each rep is named, and how often
SELECT rep_id, min(seen_on) AS seen_on, max(until) AS until, sum(n)::BIGINT AS n_entries
FROM (
    SELECT
        rep_id, least(min(created_at), min(closed_at))::DATE AS seen_on,
        greatest(max(created_at), max(closed_at))::DATE AS until,
        count(created_at) + count(closed_at) AS n
    FROM deals
    WHERE rep_id IS NOT NULL
    GROUP BY rep_id
    UNION ALL
    SELECT rep_id, min(occurred_at)::DATE, max(occurred_at)::DATE, count(*)
    FROM activities
    WHERE rep_id IS NOT NULL AND occurred_at::DATE <= getvariable('as_of')
    GROUP BY rep_id
)
GROUP BY rep_id
