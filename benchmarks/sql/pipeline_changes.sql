-- what was open when the quarter began and ends, and what came and went, of all deals and of
-- those due in the quarter
WITH reopened AS (
    SELECT deal_id, arg_max(stage, entered_at) FILTER (WHERE is_before) AS stood
    FROM (
        SELECT deal_id, stage, entered_at,
               entered_at::DATE < date_trunc('quarter', getvariable('as_of')) AS is_before
        FROM stage_changes
        WHERE entered_at::DATE <= getvariable('as_of')
    )
    GROUP BY deal_id
    HAVING arg_max(stage, entered_at) FILTER (WHERE is_before) IN ('Won', 'Lost')
       AND count(*) FILTER (WHERE NOT is_before AND stage NOT IN ('Won', 'Lost')) > 0
), states AS (
    SELECT
        amount, created_at, closed_at, status,
        coalesce(expected_close_on >= date_trunc('quarter', getvariable('as_of'))
                 AND expected_close_on <= getvariable('as_of'), false) AS is_due,
        CASE WHEN created_at >= date_trunc('quarter', getvariable('as_of')) THEN 'none'
             WHEN created_at IS NULL OR (status <> 'open' AND closed_at IS NULL) THEN 'unknown'
             WHEN status <> 'open' AND closed_at < date_trunc('quarter', getvariable('as_of'))
             THEN status
             ELSE coalesce(lower(stood), 'open') END AS was
    FROM deals
    LEFT JOIN reopened USING (deal_id)
), moved AS (
    SELECT
        *, was <> 'unknown' AS known, was = 'open' AS was_open, status = 'open' AS is_open,
        status = 'won' AS is_won,
        was <> 'unknown' AND status <> 'open' AND (was = 'open' OR was <> status) AS ends
    FROM states
    WHERE was IN ('open', 'unknown') OR status = 'open' OR was <> status
), scoped AS (
    SELECT
        *, 0 AS scope, was_open AS was_in, known AND is_open AS is_in, ends AND was_open AS goes,
        ends AND NOT was_open AS comes
    FROM moved
    UNION ALL
    SELECT
        *, 1, was_open AND is_due, known AND is_open AND is_due,
        ends AND was_open AND (is_due OR is_won), ends AND NOT was_open AND (is_due OR is_won)
    FROM moved
), there AS (
    SELECT *, is_in OR goes OR comes AS there FROM scoped
)
SELECT
    scope,
    count(*) FILTER (WHERE NOT known) AS n_unknown, count(amount) AS n_priced,
    count(*) FILTER (WHERE was_in) AS n_opening,
    count(*) FILTER (WHERE is_in) AS n_closing,
    count(*) FILTER (WHERE there AND NOT was_in AND was = 'none') AS n_new,
    count(*) FILTER (WHERE there AND NOT was_in AND was IN ('won', 'lost')) AS n_reopened,
    count(*) FILTER (WHERE there AND NOT was_in AND was_open) AS n_pulled_in,
    count(*) FILTER (WHERE was_in AND NOT there) AS n_pushed_out,
    count(*) FILTER (WHERE (goes OR comes) AND is_won) AS n_won,
    count(*) FILTER (WHERE (goes OR comes) AND NOT is_won) AS n_lost,
    count(*) FILTER (WHERE (was_in OR there) AND amount IS NULL) AS n_without_amount,
    count(*) FILTER (WHERE was_in AND is_open) AS n_opening_open,
    sum(amount) FILTER (WHERE was_in)::DOUBLE AS opening,
    sum(amount) FILTER (WHERE is_in)::DOUBLE AS closing,
    sum(amount) FILTER (WHERE there AND NOT was_in AND was = 'none')::DOUBLE AS new,
    sum(amount) FILTER (WHERE there AND NOT was_in AND was IN ('won', 'lost'))::DOUBLE
        AS reopened,
    sum(amount) FILTER (WHERE there AND NOT was_in AND was_open)::DOUBLE AS pulled_in,
    sum(amount) FILTER (WHERE was_in AND NOT there)::DOUBLE AS pushed_out,
    sum(amount) FILTER (WHERE (goes OR comes) AND is_won)::DOUBLE AS won,
    sum(amount) FILTER (WHERE (goes OR comes) AND NOT is_won)::DOUBLE AS lost
FROM there
GROUP BY scope
