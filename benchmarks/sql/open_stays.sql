-- open deals by the stage they stand in and since how many days
WITH still AS (
    SELECT deal_id, amount, created_at::DATE AS created_on FROM deals WHERE status = 'open'
), entries AS (
    SELECT deal_id, entered_at,
           CASE stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                      WHEN 'Negotiation' THEN 3 WHEN 'Won' THEN 4 WHEN 'Lost' THEN 5
                      ELSE -1 END AS code
    FROM stage_changes
    SEMI JOIN still USING (deal_id)
    WHERE entered_at::DATE <= getvariable('as_of')
), changed AS (
    SELECT *
    FROM entries
    WINDOW each_deal AS (PARTITION BY deal_id ORDER BY entered_at, code)
    QUALIFY code IS DISTINCT FROM lag(code) OVER each_deal
), here AS (
    SELECT deal_id, code, entered_at::DATE AS entered_on
    FROM changed
    WINDOW backwards AS (PARTITION BY deal_id ORDER BY entered_at DESC, code DESC)
    QUALIFY row_number() OVER backwards = 1
), placed AS (
    SELECT
        amount,
        CASE WHEN h.deal_id IS NOT NULL THEN CASE WHEN code BETWEEN 0 AND 3 THEN code ELSE -1 END
             WHEN created_on >= (SELECT min(entered_at)::DATE FROM stage_changes) THEN 0
             ELSE -1 END AS code,
        coalesce(entered_on, created_on) AS entered_on
    FROM still s
    LEFT JOIN here h USING (deal_id)
)
SELECT
    code,
    CASE WHEN code < 0 THEN -1 ELSE greatest(getvariable('as_of') - entered_on, 0) END AS days,
    count(*) AS n_open, count(amount) AS n_priced, sum(amount)::DOUBLE AS open_amount
FROM placed
GROUP BY ALL
