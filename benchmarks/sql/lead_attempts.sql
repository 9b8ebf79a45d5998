-- leads by unanswered attempts before the contact, and by what ended them; an activity belongs to
-- the lead it names, else to the lead of its deal, and one that the table repeats counts once
WITH activity_ids AS (
    SELECT activity_id
    FROM activities
    WHERE activity_id IS NOT NULL AND occurred_at::DATE <= getvariable('as_of')
    GROUP BY activity_id
    HAVING count(*) > 1
), done AS (
    SELECT
        activity_id, lead_id, deal_id, occurred_at AS tried_at, activity_type, direction,
        coalesce(outcome IN ('connected', 'held'), false) AS reaches
    FROM activities
    WHERE occurred_at::DATE <= getvariable('as_of')
), single AS (
    FROM done WHERE activity_id IS NULL OR activity_id NOT IN (FROM activity_ids)
    UNION ALL
    SELECT DISTINCT ON (activity_id) *
    FROM done
    WHERE activity_id IN (FROM activity_ids)
    ORDER BY activity_id, tried_at
), tried AS (
    SELECT lead_id, deal_id, tried_at, reaches
    FROM single
    WHERE activity_type IN ('call', 'email', 'meeting', 'message')
      AND (direction IS NULL OR direction <> 'inbound' OR reaches)
), came AS (
    SELECT lead_id, deal_id, created_at::DATE AS came_on
    FROM leads
    WHERE created_at::DATE <= getvariable('as_of')
), tries AS (
    SELECT c.lead_id, tried_at, reaches, tried_at::DATE < came_on AS is_early
    FROM tried t
    JOIN came c ON c.lead_id = t.lead_id
    UNION ALL
    SELECT c.lead_id, tried_at, reaches, tried_at::DATE < came_on
    FROM tried t
    JOIN came c ON c.deal_id = t.deal_id
    WHERE t.lead_id IS NULL
), contacts AS (
    SELECT
        lead_id, min(tried_at) FILTER (WHERE reaches AND NOT is_early) AS first_at,
        max(tried_at) FILTER (WHERE NOT is_early) AS last_at,
        count(*) FILTER (WHERE is_early) AS n_early
    FROM tries
    GROUP BY lead_id
), before AS (
    SELECT lead_id, count(*) AS n_before
    FROM tries
    JOIN contacts USING (lead_id)
    WHERE NOT is_early AND (first_at IS NULL OR tried_at < first_at)
    GROUP BY lead_id
)
SELECT
    least(coalesce(n_before, 0), 9) AS n_tries, first_at IS NOT NULL AS is_reached,
    coalesce(first_at IS NULL AND last_at::DATE > getvariable('as_of') - 14, false)
        AS is_waiting,
    count(*) AS n, count(*) FILTER (WHERE status IN ('qualified', 'converted')) AS n_hit,
    sum(n_early)::BIGINT AS n_early
FROM leads
LEFT JOIN contacts USING (lead_id)
LEFT JOIN before USING (lead_id)
WHERE created_at::DATE <= getvariable('as_of')
GROUP BY ALL
