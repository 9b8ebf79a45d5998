-- leads of each source by the age, up to 90 days, at which each outcome came or did not
WITH outcomes AS (
    SELECT
        coalesce(l.source, 'unassigned') AS source,
        l.created_at::DATE > getvariable('as_of') - 182 AS is_recent,
        date_diff('day', l.created_at::DATE, getvariable('as_of')) AS age_days,
        l.deal_id IS NULL OR d.deal_id IS NOT NULL AS is_known,
        CASE WHEN l.status IN ('qualified', 'converted') THEN -1 END AS qualified_days,
        CASE WHEN d.deal_id IS NULL THEN NULL WHEN d.created_at IS NULL THEN -1
             ELSE greatest(date_diff('day', l.created_at::DATE, d.created_at::DATE), 0) END
            AS deal_days,
        CASE WHEN d.closed_at IS NULL THEN -1
             ELSE greatest(date_diff('day', l.created_at::DATE, d.closed_at::DATE), 0) END
            AS closed_days,
        CASE WHEN d.status = 'won' THEN closed_days END AS won_days,
        CASE WHEN d.status = 'lost' THEN closed_days END AS lost_days,
        CASE WHEN d.status = 'won' THEN d.amount::DOUBLE END AS won_paid
    FROM leads l
    LEFT JOIN deals d ON d.deal_id = l.deal_id
    WHERE l.created_at::DATE <= getvariable('as_of')
), asked AS (
    SELECT source, is_recent, age_days, 'qualified' AS outcome, qualified_days AS event,
           NULL AS rival FROM outcomes
    UNION ALL
    SELECT source, is_recent, age_days, 'deal', deal_days, NULL FROM outcomes
    UNION ALL
    SELECT source, is_recent, age_days, 'won', won_days, lost_days FROM outcomes
), dated AS (
    SELECT
        source, is_recent, outcome, age_days,
        CASE WHEN event < 0 THEN least(age_days, 90) ELSE event END AS came,
        CASE WHEN rival < 0 THEN age_days ELSE rival END AS gone
    FROM asked
)
SELECT
    source, is_recent, outcome,
    least(CASE WHEN came <= 90 THEN came WHEN gone <= 90 THEN gone ELSE age_days END, 91) AS days,
    count(*) FILTER (WHERE came <= 90) AS n_event,
    count(*) FILTER (WHERE coalesce(came > 90, true) AND gone <= 90) AS n_rival,
    count(*) FILTER (WHERE coalesce(came > 90, true) AND coalesce(gone > 90, true)) AS n_open
FROM dated
GROUP BY ALL
