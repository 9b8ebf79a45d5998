-- deals of each rep that contradict themselves, rule by rule, and their money
WITH told AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, amount,
        status = 'open'
            AS can_open_with_closing_date,
        coalesce(status = 'open'
            AND closed_at::DATE <= getvariable('as_of'), false)
            AS is_open_with_closing_date,
        status <> 'open'
            AS can_closed_without_date,
        coalesce(status <> 'open'
            AND closed_at IS NULL, false)
            AS is_closed_without_date,
        status <> 'open' AND closed_at IS NOT NULL AND created_at IS NOT NULL
            AS can_closed_before_created,
        coalesce(status <> 'open' AND closed_at IS NOT NULL AND created_at IS NOT NULL
            AND closed_at::DATE < created_at::DATE, false)
            AS is_closed_before_created,
        status = 'won'
            AS can_won_without_amount,
        coalesce(status = 'won'
            AND (amount IS NULL OR amount = 0), false)
            AS is_won_without_amount,
        status = 'open' AND expected_close_on IS NOT NULL
            AS can_past_expected_close,
        coalesce(status = 'open' AND expected_close_on IS NOT NULL
            AND expected_close_on < getvariable('as_of'), false)
            AS is_past_expected_close,
        status <> 'open' AND stage IS NOT NULL
            AS can_closed_in_open_stage,
        coalesce(status <> 'open' AND stage IS NOT NULL
            AND stage IN ('Qualified', 'Demo', 'Proposal', 'Negotiation'), false)
            AS is_closed_in_open_stage,
        status = 'open' AND stage IS NOT NULL
            AS can_open_in_closed_stage,
        coalesce(status = 'open' AND stage IS NOT NULL
            AND stage IN ('Won', 'Lost'), false)
            AS is_open_in_closed_stage,
        status <> 'open' AND stage IS NOT NULL
            AS can_won_and_lost_disagree,
        coalesce(status <> 'open' AND stage IS NOT NULL
            AND (status = 'won' AND stage = 'Lost' OR status = 'lost' AND stage = 'Won'), false)
            AS is_won_and_lost_disagree
    FROM deals
)
SELECT
    rep_id,
    count(*) FILTER (WHERE can_open_with_closing_date) AS whole_open_with_closing_date,
    count(*) FILTER (WHERE is_open_with_closing_date) AS part_open_with_closing_date,
    sum(amount) FILTER (WHERE is_open_with_closing_date)::DOUBLE
        AS amount_open_with_closing_date,
    count(*) FILTER (WHERE can_closed_without_date) AS whole_closed_without_date,
    count(*) FILTER (WHERE is_closed_without_date) AS part_closed_without_date,
    sum(amount) FILTER (WHERE is_closed_without_date)::DOUBLE
        AS amount_closed_without_date,
    count(*) FILTER (WHERE can_closed_before_created) AS whole_closed_before_created,
    count(*) FILTER (WHERE is_closed_before_created) AS part_closed_before_created,
    sum(amount) FILTER (WHERE is_closed_before_created)::DOUBLE
        AS amount_closed_before_created,
    count(*) FILTER (WHERE can_won_without_amount) AS whole_won_without_amount,
    count(*) FILTER (WHERE is_won_without_amount) AS part_won_without_amount,
    sum(amount) FILTER (WHERE is_won_without_amount)::DOUBLE
        AS amount_won_without_amount,
    count(*) FILTER (WHERE can_past_expected_close) AS whole_past_expected_close,
    count(*) FILTER (WHERE is_past_expected_close) AS part_past_expected_close,
    sum(amount) FILTER (WHERE is_past_expected_close)::DOUBLE
        AS amount_past_expected_close,
    count(*) FILTER (WHERE can_closed_in_open_stage) AS whole_closed_in_open_stage,
    count(*) FILTER (WHERE is_closed_in_open_stage) AS part_closed_in_open_stage,
    sum(amount) FILTER (WHERE is_closed_in_open_stage)::DOUBLE
        AS amount_closed_in_open_stage,
    count(*) FILTER (WHERE can_open_in_closed_stage) AS whole_open_in_closed_stage,
    count(*) FILTER (WHERE is_open_in_closed_stage) AS part_open_in_closed_stage,
    sum(amount) FILTER (WHERE is_open_in_closed_stage)::DOUBLE
        AS amount_open_in_closed_stage,
    count(*) FILTER (WHERE can_won_and_lost_disagree) AS whole_won_and_lost_disagree,
    count(*) FILTER (WHERE is_won_and_lost_disagree) AS part_won_and_lost_disagree,
    sum(amount) FILTER (WHERE is_won_and_lost_disagree)::DOUBLE
        AS amount_won_and_lost_disagree
FROM told
GROUP BY rep_id
