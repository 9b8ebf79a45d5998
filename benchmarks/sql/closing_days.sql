SELECT min(closed_at)::DATE AS first_on, max(closed_at)::DATE AS last_on,
       count(*) FILTER (WHERE closed_at IS NULL) AS n_undated
FROM deals
WHERE status IN ('won', 'lost')
