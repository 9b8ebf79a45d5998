-- deals by stage and days, of the first stay and of all stays together, and how they ended
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
), ended AS (
    SELECT
        *, CASE WHEN next_code IS NULL AND status = 'won' THEN 0
                WHEN next_code IS NULL AND status = 'lost' THEN 1 WHEN next_code IS NULL THEN 4
                WHEN next_code = 4 THEN 0 WHEN next_code = 5 THEN 1 WHEN next_code > 5 THEN 3
                WHEN next_code > code THEN 0 ELSE 2 END AS ended
    FROM stays
), per_deal AS (
    SELECT
        deal_id, code, count(*) AS visits, sum(days)::BIGINT AS total,
        arg_min(days, entered_at) AS first_days, arg_min(ended, entered_at) AS first_ended,
        arg_max(ended, entered_at) AS last_ended
    FROM ended
    GROUP BY deal_id, code
), kinds AS (
    SELECT code, 0 AS kind, first_days AS days, first_ended AS ended, visits FROM per_deal
    UNION ALL
    SELECT code, 1, total, last_ended, visits FROM per_deal
)
SELECT
    code, kind, days, count(*) FILTER (WHERE ended = 0) AS n_advanced,
    count(*) FILTER (WHERE ended = 1) AS n_lost, count(*) FILTER (WHERE ended = 2) AS n_back,
    count(*) FILTER (WHERE ended = 3) AS n_out, count(*) FILTER (WHERE ended = 4) AS n_open,
    sum(visits)::BIGINT AS n_visits, count(*) FILTER (WHERE visits > 1) AS n_again
FROM kinds
GROUP BY ALL
