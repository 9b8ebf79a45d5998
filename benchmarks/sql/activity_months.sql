SELECT
    coalesce(a.rep_id, 'unassigned') AS rep_id,
    activity_type,
    date_trunc('month', occurred_at) AS at,
    min(occurred_at)::DATE AS first_on,
    max(occurred_at)::DATE AS last_on,
    count(*) FILTER (WHERE closed_at IS NULL OR occurred_at::DATE <= closed_at::DATE) AS n,
    count(*) FILTER (WHERE occurred_at::DATE > closed_at::DATE) AS n_after_close
FROM activities a
LEFT JOIN deals d ON d.deal_id = a.deal_id
WHERE occurred_at::DATE <= getvariable('as_of')
GROUP BY ALL
