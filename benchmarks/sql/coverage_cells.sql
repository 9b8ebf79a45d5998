-- deals at hand when so many days of a quarter were left, and what was won of them by its end,
-- for the quarter that runs and the eight before
WITH spans AS (
    SELECT
        span, end_on, end_on - (date_diff('day', getvariable('as_of'), max(end_on) OVER ()))::INT
            AS cut_on
    FROM (
        SELECT span, (date_trunc('quarter', getvariable('as_of')) + INTERVAL 3 MONTH
                      - span * INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS end_on
        FROM range(9) numbers(span)
    )
), known AS (
    SELECT
        deal_id, amount, expected_close_on, created_at::DATE AS created_on,
        CASE WHEN status <> 'open' AND closed_at::DATE <= getvariable('as_of') THEN status
             ELSE 'open' END AS status,
        CASE WHEN status <> 'open' AND closed_at::DATE <= getvariable('as_of')
             THEN closed_at::DATE END AS closed_on
    FROM deals
    WHERE created_at IS NOT NULL AND (status = 'open' OR closed_at IS NOT NULL)
), held AS (
    SELECT k.*, span, cut_on, end_on, created_on > cut_on AS is_new
    FROM known k
    JOIN spans ON created_on <= end_on AND (closed_on IS NULL OR closed_on > cut_on)
), entered AS (
    SELECT
        deal_id, entered_at::DATE AS entered_on,
        CASE stage WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2 WHEN 'Negotiation' THEN 3 END AS code
    FROM stage_changes
    WHERE stage IN ('Demo', 'Proposal', 'Negotiation')
), reached AS (
    SELECT deal_id, span, max(code) AS code
    FROM held
    JOIN entered USING (deal_id)
    WHERE entered_on <= cut_on AND NOT is_new
    GROUP BY deal_id, span
)
SELECT
    span, CASE WHEN is_new THEN -1 ELSE coalesce(code, 0) END AS stage_code,
    CASE WHEN is_new THEN -1 WHEN cut_on - created_on <= 7 THEN 0
         WHEN cut_on - created_on <= 14 THEN 1 WHEN cut_on - created_on <= 30 THEN 2
         WHEN cut_on - created_on <= 60 THEN 3 WHEN cut_on - created_on <= 90 THEN 4
         WHEN cut_on - created_on <= 180 THEN 5 WHEN cut_on - created_on <= 365 THEN 6
         ELSE 7 END AS band,
    count(*) AS n_deals, count(amount) AS n_worth,
    count(*) FILTER (WHERE status = 'won' AND closed_on <= end_on) AS n_won,
    sum(amount)::DOUBLE AS worth,
    sum(amount) FILTER (WHERE status = 'won' AND closed_on <= end_on)::DOUBLE AS won_worth,
    sum(amount) FILTER (WHERE expected_close_on <= end_on)::DOUBLE AS due_worth
FROM held
LEFT JOIN reached USING (deal_id, span)
GROUP BY ALL
