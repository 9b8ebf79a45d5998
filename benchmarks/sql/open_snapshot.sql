-- open deals by stage and days in it, with what they are worth
WITH still AS (
    SELECT * FROM deals WHERE status = 'open'
), entered AS (
    -- the latest entry, and of simultaneous ones the one furthest on
    SELECT
        deal_id, max(entered_at)::DATE AS entered_on,
        max(epoch(entered_at)::BIGINT * 10
            + CASE stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                         WHEN 'Negotiation' THEN 3 WHEN 'Won' THEN 4 ELSE 5 END) % 10 AS code
    FROM stage_changes
    SEMI JOIN still USING (deal_id)
    WHERE entered_at::DATE <= getvariable('as_of')
    GROUP BY deal_id
), placed AS (
    SELECT
        coalesce(code, CASE stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                                  WHEN 'Negotiation' THEN 3 WHEN 'Won' THEN 4 WHEN 'Lost' THEN 5
                                  ELSE -1 END) AS code,
        coalesce(entered_on, created_at::DATE) AS entered_on, created_at::DATE AS created_on,
        expected_close_on AS due_on, amount
    FROM still
    LEFT JOIN entered USING (deal_id)
)
SELECT
    code,
    CASE WHEN entered_on IS NULL THEN -1
         ELSE greatest(getvariable('as_of') - entered_on, 0) END AS stage_days,
    count(*) AS n_open, count(amount) AS n_priced, count(created_on) AS n_dated,
    count(*) FILTER (WHERE due_on < getvariable('as_of')) AS n_overdue,
    count(*) FILTER (WHERE due_on IS NULL) AS n_without_due,
    sum(amount)::DOUBLE AS amount, sum(amount::DOUBLE ** 2) AS squares,
    sum(amount) FILTER (WHERE due_on < getvariable('as_of'))::DOUBLE AS overdue_amount,
    sum(getvariable('as_of') - created_on)::DOUBLE AS ages
FROM placed
GROUP BY ALL
