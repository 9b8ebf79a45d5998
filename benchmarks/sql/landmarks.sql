-- deals open on a day and those created after it, and how many were won by another; the days
-- are rows of the table spans
WITH reach AS (
    SELECT
        deal_id,
        min(entered_at) FILTER (WHERE stage IN ('Demo', 'Proposal', 'Negotiation'))::DATE
            AS reached_1,
        min(entered_at) FILTER (WHERE stage IN ('Proposal', 'Negotiation'))::DATE AS reached_2,
        min(entered_at) FILTER (WHERE stage = 'Negotiation')::DATE AS reached_3
    FROM stage_changes
    GROUP BY deal_id
), known AS (
    SELECT
        created_at::DATE AS created_on,
        CASE WHEN NOT is_later AND status <> 'open' THEN closed_at::DATE END AS closed_on,
        status = 'won' AND NOT is_later AS is_won,
        reached_1, reached_2, reached_3
    FROM (
        SELECT *, coalesce(closed_at::DATE > getvariable('as_of'), false) AS is_later FROM deals
    )
    LEFT JOIN reach USING (deal_id)
    WHERE created_at::DATE <= getvariable('as_of')
      AND (status = 'open' OR closed_at IS NOT NULL)
)
SELECT
    span,
    CASE WHEN created_on > cut_on THEN -1
         ELSE coalesce((reached_1 <= cut_on)::INTEGER, 0)
            + coalesce((reached_2 <= cut_on)::INTEGER, 0)
            + coalesce((reached_3 <= cut_on)::INTEGER, 0) END AS step,
    CASE WHEN created_on > cut_on THEN -1
         WHEN cut_on - created_on <= 7 THEN 0 WHEN cut_on - created_on <= 14 THEN 1
         WHEN cut_on - created_on <= 30 THEN 2 WHEN cut_on - created_on <= 60 THEN 3
         WHEN cut_on - created_on <= 90 THEN 4 WHEN cut_on - created_on <= 180 THEN 5
         WHEN cut_on - created_on <= 365 THEN 6 ELSE 7 END AS age_band,
    count(*) AS n_deals,
    count(*) FILTER (WHERE is_won AND closed_on <= end_on) AS n_won
FROM known
JOIN spans ON created_on <= end_on
WHERE closed_on IS NULL OR closed_on > cut_on
GROUP BY ALL
