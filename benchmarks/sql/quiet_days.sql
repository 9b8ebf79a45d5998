-- open deals by age and by days since anything happened: any rule for given-up deals reads it
WITH still AS (
    SELECT deal_id, created_at::DATE AS created_on
    FROM deals
    WHERE status = 'open' AND created_at IS NOT NULL
), moved AS (
    SELECT deal_id, max(entered_at)::DATE AS moved_on
    FROM stage_changes
    SEMI JOIN still USING (deal_id)
    WHERE entered_at::DATE <= getvariable('as_of')
    GROUP BY deal_id
), touched AS (
    SELECT deal_id, max(occurred_at)::DATE AS touched_on
    FROM activities
    SEMI JOIN still USING (deal_id)
    WHERE occurred_at::DATE <= getvariable('as_of')
    GROUP BY deal_id
), dated AS (
    SELECT
        greatest(date_diff('day', created_on, getvariable('as_of')), 0) AS age_days,
        date_diff('day', greatest(created_on, moved_on, touched_on), getvariable('as_of')) AS quiet
    FROM still
    LEFT JOIN moved USING (deal_id)
    LEFT JOIN touched USING (deal_id)
)
SELECT age_days, greatest(least(quiet, age_days), 0) AS quiet_days, count(*) AS n_open
FROM dated
GROUP BY ALL
