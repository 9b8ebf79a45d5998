-- sums behind the figures of closed deals by rep and month, with and without doubtful deals
WITH rows AS (
    SELECT
        coalesce(rep_id, 'unassigned') AS rep_id, created_at, closed_at, status, stage,
        amount, list_amount,
        CASE WHEN created_at <> date_trunc('day', created_at)
             THEN date_trunc('minute', created_at) END AS minute
    FROM deals
), cells AS (
    SELECT rep_id, minute, count(*) AS n FROM rows WHERE minute IS NOT NULL GROUP BY ALL
), minutes AS (
    SELECT minute, sum(n) AS n, count(*) AS n_reps, max(n) AS most FROM cells GROUP BY minute
), days_of AS (
    SELECT median(n) AS usual FROM minutes GROUP BY minute::DATE
), dense AS (
    SELECT minute
    FROM minutes
    WHERE n >= 20 AND n >= 10 * least((SELECT median(n) FROM minutes),
                                      (SELECT median(usual) FROM days_of))
      AND (n_reps >= 3 AND 2 * most <= n OR n >= 200)
), imports AS (
    -- the minutes beside one belong to it
    SELECT DISTINCT minute + side * INTERVAL 1 MINUTE AS minute
    FROM dense, range(-1, 2) sides(side)
), crowded AS (
    SELECT rep_id, minute FROM cells WHERE n >= 5
), doubted AS (
    SELECT
        r.*, coalesce(c.minute IS NOT NULL AND i.minute IS NULL
                 OR status = 'won' AND closed_at::DATE = created_at::DATE AND i.minute IS NULL,
                 false) AS is_suspect,
        coalesce(status <> 'open' AND (
                closed_at::DATE < created_at::DATE
                OR status = 'won' AND (amount IS NULL OR amount = 0)
                OR stage IN ('Qualified', 'Demo', 'Proposal', 'Negotiation')
                OR status = 'won' AND stage = 'Lost' OR status = 'lost' AND stage = 'Won'), false)
            OR coalesce(status = 'open' AND (closed_at::DATE <= getvariable('as_of')
                                             OR stage IN ('Won', 'Lost')), false)
            AS is_contradictory
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
    WHERE status <> 'open' AND closed_at::DATE <= getvariable('as_of')
), told AS (
    SELECT
        *, is_suspect OR is_contradictory AS is_left_out,
        greatest(date_diff('day', created_at::DATE, closed_at::DATE), 0) AS days,
        amount::DOUBLE AS money, list_amount::DOUBLE AS listed
    FROM doubted
)
SELECT
    rep_id, date_trunc('month', closed_at)::DATE AS month,
    count(*) FILTER (WHERE status IN ('won', 'lost')) AS win_rate_rows,
    count(*) FILTER (WHERE status IN ('won', 'lost') AND is_suspect)
        AS win_rate_suspect,
    count(*) FILTER (WHERE status IN ('won', 'lost') AND is_contradictory)
        AS win_rate_contradictory,
    count(*) FILTER (WHERE status IN ('won', 'lost') AND is_left_out)
        AS win_rate_left_out,
    sum((status = 'won')::INTEGER) FILTER (WHERE status IN ('won', 'lost')) AS win_rate_top,
    sum((status = 'won')::INTEGER) FILTER (WHERE status IN ('won', 'lost') AND NOT is_left_out)
        AS win_rate_kept_top,
    count(*) FILTER (WHERE status = 'won' AND created_at IS NOT NULL) AS cycle_rows,
    count(*) FILTER (WHERE status = 'won' AND created_at IS NOT NULL AND is_suspect)
        AS cycle_suspect,
    count(*) FILTER (WHERE status = 'won' AND created_at IS NOT NULL AND is_contradictory)
        AS cycle_contradictory,
    count(*) FILTER (WHERE status = 'won' AND created_at IS NOT NULL AND is_left_out)
        AS cycle_left_out,
    sum(days) FILTER (WHERE status = 'won' AND created_at IS NOT NULL) AS cycle_top,
    sum(days) FILTER (WHERE status = 'won' AND created_at IS NOT NULL AND NOT is_left_out)
        AS cycle_kept_top,
    count(*) FILTER (WHERE status = 'won') AS wins_rows,
    count(*) FILTER (WHERE status = 'won' AND is_suspect)
        AS wins_suspect,
    count(*) FILTER (WHERE status = 'won' AND is_contradictory)
        AS wins_contradictory,
    count(*) FILTER (WHERE status = 'won' AND is_left_out)
        AS wins_left_out,
    sum(1) FILTER (WHERE status = 'won') AS wins_top,
    sum(1) FILTER (WHERE status = 'won' AND NOT is_left_out)
        AS wins_kept_top,
    count(*) FILTER (WHERE status = 'won' AND amount > 0) AS amount_rows,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND is_suspect)
        AS amount_suspect,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND is_contradictory)
        AS amount_contradictory,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND is_left_out)
        AS amount_left_out,
    sum(money) FILTER (WHERE status = 'won' AND amount > 0) AS amount_top,
    sum(money) FILTER (WHERE status = 'won' AND amount > 0 AND NOT is_left_out)
        AS amount_kept_top,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0) AS price_rows,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0 AND is_suspect)
        AS price_suspect,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0 AND is_contradictory)
        AS price_contradictory,
    count(*) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0 AND is_left_out)
        AS price_left_out,
    sum(money) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0) AS price_top,
    sum(money) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0 AND NOT is_left_out)
        AS price_kept_top,
    sum(listed) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0) AS price_bottom,
    sum(listed) FILTER (WHERE status = 'won' AND amount > 0 AND listed > 0 AND NOT is_left_out)
        AS price_kept_bottom
FROM told
GROUP BY ALL
