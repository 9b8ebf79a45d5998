WITH exits AS (
    SELECT deal_id, arg_max(stage, entered_at) AS exit_stage
    FROM stage_changes
    WHERE stage NOT IN ('Won', 'Lost')
    GROUP BY deal_id
)
SELECT
    coalesce(nullif(trim(loss_reason), ''), 'no reason given') AS loss_reason,
    coalesce(rep_id, 'unassigned') AS rep_id,
    coalesce(exit_stage, 'unknown') AS exit_stage,
    count(*) AS n_lost,
    count(*) FILTER (WHERE amount > 0) AS n_with_amount,
    sum(amount) FILTER (WHERE amount > 0)::DOUBLE AS lost_amount
FROM deals
LEFT JOIN exits USING (deal_id)
WHERE status = 'lost'
GROUP BY ALL
