SELECT
    coalesce(a.rep_id, 'unassigned') AS rep_id,
    activity_type,
    CASE WHEN a.deal_id IS NULL AND a.lead_id IS NOT NULL THEN 'lead'
         WHEN a.deal_id IS NULL THEN 'no deal'
         WHEN status IS NULL OR (status <> 'open' AND closed_at IS NULL) THEN 'unknown deal'
         WHEN status = 'won' AND occurred_at::DATE > closed_at::DATE THEN 'already won'
         WHEN status <> 'open' AND occurred_at::DATE > closed_at::DATE THEN 'already lost'
         WHEN created_at IS NULL THEN 'age unknown'
         WHEN occurred_at::DATE - created_at::DATE > getvariable('age_limit') THEN 'too old'
         ELSE 'winnable' END AS destination,
    count(*) AS n
FROM activities a
LEFT JOIN deals d ON d.deal_id = a.deal_id
WHERE occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
