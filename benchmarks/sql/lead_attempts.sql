-- leads by unanswered attempts before the contact, and by what ended them
WITH tries AS (
    SELECT lead_id, occurred_at AS tried_at,
           coalesce(outcome IN ('connected', 'held'), false) AS reaches
    FROM activities
    WHERE lead_id IS NOT NULL AND occurred_at::DATE <= getvariable('as_of')
      AND activity_type IN ('call', 'email', 'meeting', 'message')
      AND (direction IS NULL OR direction <> 'inbound'
           OR coalesce(outcome IN ('connected', 'held'), false))
), contacts AS (
    SELECT lead_id, min(tried_at) AS first_at FROM tries WHERE reaches GROUP BY lead_id
), per_lead AS (
    SELECT
        lead_id, any_value(first_at) AS first_at, max(tried_at) AS last_at,
        count(*) FILTER (WHERE first_at IS NULL OR tried_at < first_at) AS n_before
    FROM tries
    LEFT JOIN contacts USING (lead_id)
    GROUP BY lead_id
)
SELECT
    least(coalesce(n_before, 0), 9) AS n_tries, first_at IS NOT NULL AS is_reached,
    coalesce(first_at IS NULL AND last_at::DATE > getvariable('as_of') - 14, false)
        AS is_waiting,
    count(*) AS n, count(*) FILTER (WHERE status IN ('qualified', 'converted')) AS n_hit
FROM leads
LEFT JOIN per_lead USING (lead_id)
WHERE created_at::DATE <= getvariable('as_of')
GROUP BY ALL
