-- stays in a stage by days, and what became of the deal
WITH known AS (
    SELECT
        deal_id, status, created_at::DATE AS created_on,
        CASE WHEN status <> 'open' THEN closed_at::DATE END AS closed_on
    FROM deals
    WHERE status = 'open' OR closed_at IS NOT NULL
), entries AS (
    SELECT deal_id, entered_at,
           CASE stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                      WHEN 'Negotiation' THEN 3 WHEN 'Won' THEN 4 WHEN 'Lost' THEN 5
                      ELSE -1 END AS code
    FROM stage_changes
    WHERE entered_at::DATE <= getvariable('as_of')
    UNION ALL
    SELECT deal_id, created_on, 0
    FROM known
    ANTI JOIN (
        SELECT deal_id FROM stage_changes WHERE entered_at::DATE <= getvariable('as_of')
    ) USING (deal_id)
    WHERE created_on >= (SELECT min(entered_at)::DATE FROM stage_changes)
), changed AS (
    SELECT e.*, status, closed_on
    FROM entries e
    JOIN known USING (deal_id)
    WHERE closed_on IS NULL OR entered_at::DATE <= closed_on
    WINDOW each_deal AS (PARTITION BY deal_id ORDER BY entered_at, code)
    QUALIFY code IS DISTINCT FROM lag(code) OVER each_deal
), followed AS (
    SELECT
        deal_id, code, status, entered_at, lead(code) OVER each_deal AS next_code,
        coalesce(lead(entered_at) OVER each_deal::DATE, closed_on) AS left_on
    FROM changed
    WINDOW each_deal AS (PARTITION BY deal_id ORDER BY entered_at, code)
), stays AS (
    SELECT
        *, greatest(coalesce(left_on, getvariable('as_of')) - entered_at::DATE, 0) AS days
    FROM followed
    WHERE code BETWEEN 0 AND 3
)
SELECT
    code, days,
    count(*) FILTER (WHERE left_on IS NOT NULL AND status = 'won') AS n_won,
    count(*) FILTER (WHERE left_on IS NOT NULL AND status = 'lost') AS n_lost,
    count(*) FILTER (WHERE left_on IS NOT NULL AND status = 'open') AS n_left,
    count(*) FILTER (WHERE left_on IS NULL) AS n_here
FROM stays
GROUP BY ALL
