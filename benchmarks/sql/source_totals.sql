-- leads of each source by what they became, and their money
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
)
SELECT
    source, is_recent, count(*) AS n_leads, count(qualified_days) AS n_qualified,
    count(deal_days) AS n_deals, count(won_days) AS n_won, count(lost_days) AS n_lost,
    count(*) FILTER (WHERE NOT is_known) AS n_deal_unknown,
    count(*) FILTER (WHERE won_days IS NOT NULL AND NOT coalesce(won_paid > 0, false))
        AS n_won_without_amount,
    sum(won_paid) FILTER (WHERE won_paid > 0) AS won_amount,
    sum(won_paid * won_paid) FILTER (WHERE won_paid > 0) AS won_squares,
    max(won_paid) FILTER (WHERE won_paid > 0) AS largest_won
FROM outcomes
GROUP BY ALL
