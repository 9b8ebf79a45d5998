WITH entries AS (
    SELECT deal_id, entered_at, false AS is_unmoved,
           CASE stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                      WHEN 'Negotiation' THEN 3 WHEN 'Won' THEN 4 WHEN 'Lost' THEN -2
                      ELSE -1 END AS step
    FROM stage_changes
    WHERE entered_at::DATE <= getvariable('as_of')
    UNION ALL
    SELECT deal_id, created_at, true, 0
    FROM deals
    ANTI JOIN (
        SELECT deal_id FROM stage_changes WHERE entered_at::DATE <= getvariable('as_of')
    ) USING (deal_id)
    WHERE created_at >= (SELECT min(entered_at)::DATE FROM stage_changes)
), changed AS (
    SELECT e.*, d.status
    FROM entries e
    JOIN deals d USING (deal_id)
    WINDOW each_deal AS (PARTITION BY deal_id ORDER BY entered_at, step)
    QUALIFY step IS DISTINCT FROM lag(step) OVER each_deal
), stays AS (
    SELECT deal_id, step, status, is_unmoved, lead(step) OVER each_deal AS next_step
    FROM changed
    WINDOW each_deal AS (PARTITION BY deal_id ORDER BY entered_at, step)
), ended AS (
    SELECT *,
        CASE WHEN next_step IS NULL AND status = 'won' THEN 'advanced'
             WHEN next_step IS NULL AND status = 'lost' THEN 'lost'
             WHEN next_step IS NULL THEN 'here'
             WHEN next_step = -2 OR (next_step = -1 AND status = 'lost') THEN 'lost'
             WHEN next_step = -1 THEN 'out'
             WHEN next_step > step THEN 'advanced'
             ELSE 'back' END AS ended
    FROM stays
    WHERE step BETWEEN 0 AND 3
)
SELECT
    step,
    count(DISTINCT deal_id) AS n_deals,
    count(*) AS n_entered,
    count(*) FILTER (WHERE ended = 'advanced') AS n_advanced,
    count(*) FILTER (WHERE ended = 'lost') AS n_lost,
    count(*) FILTER (WHERE ended = 'back') AS n_back,
    count(*) FILTER (WHERE ended = 'out') AS n_out,
    count(*) FILTER (WHERE ended = 'here') AS n_here,
    count(*) FILTER (WHERE ended = 'advanced' AND next_step > step + 1) AS n_jumped,
    count(*) FILTER (WHERE is_unmoved) AS n_without_history
FROM ended
GROUP BY step
