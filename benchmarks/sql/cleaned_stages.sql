-- deals decided at each step by rep and month, with and without doubtful deals and changes
WITH holidays AS (
    SELECT unnest(CAST([
        '2022-12-26', '2023-01-01', '2023-04-07', '2023-04-10', '2023-05-01', '2023-05-18',
        '2023-05-29', '2023-10-03', '2023-12-25', '2023-12-26', '2024-01-01', '2024-03-29',
        '2024-04-01', '2024-05-01', '2024-05-09', '2024-05-20', '2024-10-03', '2024-12-25',
        '2024-12-26', '2025-01-01', '2025-04-18', '2025-04-21', '2025-05-01', '2025-05-29',
        '2025-06-09', '2025-10-03', '2025-12-25', '2025-12-26', '2026-01-01'
    ] AS DATE[])) AS day
), days AS (
    SELECT day::DATE AS day,
           isodow(day) <= 5 AND day::DATE NOT IN (SELECT day FROM holidays) AS works
    FROM range(TIMESTAMP '2022-11-01', TIMESTAMP '2026-01-02', INTERVAL 1 DAY) listed(day)
), eves AS (
    SELECT day
    FROM days
    WHERE works AND date_trunc('month', day) + INTERVAL 1 MONTH - INTERVAL 1 DAY
          BETWEEN (SELECT min(entered_at)::DATE FROM stage_changes)
              AND last_day(getvariable('as_of'))
    WINDOW backwards AS (PARTITION BY date_trunc('month', day) ORDER BY day DESC)
    QUALIFY row_number() OVER backwards <= 2
), rows AS (
    SELECT
        deal_id, stage, coalesce(rep_id, 'unassigned') AS rep_id, entered_at,
        CASE WHEN entered_at <> date_trunc('day', entered_at)
             THEN date_trunc('minute', entered_at) END AS minute
    FROM stage_changes
    WHERE entered_at::DATE <= getvariable('as_of')
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
), batches AS (
    SELECT rep_id, date_trunc('hour', minute) AS hour
    FROM cells
    WHERE minute::DATE IN (SELECT day FROM eves) AND minute NOT IN (SELECT minute FROM imports)
    GROUP BY ALL
    HAVING sum(n) >= 5
),
deal_rows AS (
    SELECT
        deal_id, coalesce(rep_id, 'unassigned') AS rep_id, created_at, closed_at, status, stage,
        amount,
        CASE WHEN created_at <> date_trunc('day', created_at)
             THEN date_trunc('minute', created_at) END AS minute
    FROM deals
), deal_cells AS (
    SELECT rep_id, minute, count(*) AS n FROM deal_rows WHERE minute IS NOT NULL GROUP BY ALL
), deal_minutes AS (
    SELECT minute, sum(n) AS n, count(*) AS n_reps, max(n) AS most FROM deal_cells GROUP BY minute
), deal_days_of AS (
    SELECT median(n) AS usual FROM deal_minutes GROUP BY minute::DATE
), deal_dense AS (
    SELECT minute
    FROM deal_minutes
    WHERE n >= 20 AND n >= 10 * least((SELECT median(n) FROM deal_minutes),
                                      (SELECT median(usual) FROM deal_days_of))
      AND (n_reps >= 3 AND 2 * most <= n OR n >= 200)
), deal_imports AS (
    -- the minutes beside one belong to it
    SELECT DISTINCT minute + side * INTERVAL 1 MINUTE AS minute
    FROM deal_dense, range(-1, 2) sides(side)
), deal_crowded AS (
    SELECT rep_id, minute FROM deal_cells WHERE n >= 5
), doubted AS (
    SELECT
        r.deal_id, r.rep_id, created_at, closed_at, status,
        coalesce(c.minute IS NOT NULL AND i.minute IS NULL
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
    FROM deal_rows r
    LEFT JOIN deal_imports i ON i.minute = r.minute
    LEFT JOIN deal_crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
), moves AS (
    SELECT
        r.deal_id,
        CASE r.stage WHEN 'Qualified' THEN 0 WHEN 'Demo' THEN 1 WHEN 'Proposal' THEN 2
                     WHEN 'Negotiation' THEN 3 END AS place,
        (c.minute IS NOT NULL OR b.hour IS NOT NULL) AND i.minute IS NULL AS is_suspect_move,
        coalesce(entered_at::DATE < d.created_at::DATE, false)
            OR coalesce(status <> 'open' AND entered_at::DATE > closed_at::DATE, false)
            AS is_wrong_move
    FROM rows r
    LEFT JOIN imports i ON i.minute = r.minute
    LEFT JOIN crowded c ON c.rep_id = r.rep_id AND c.minute = r.minute
    LEFT JOIN batches b ON b.rep_id = r.rep_id AND b.hour = date_trunc('hour', r.minute)
    JOIN doubted d ON d.deal_id = r.deal_id
    WHERE r.stage IN ('Qualified', 'Demo', 'Proposal', 'Negotiation')
), tops AS (
    SELECT
        deal_id, max(place) AS top,
        max(place) FILTER (WHERE NOT is_suspect_move AND NOT is_wrong_move) AS kept,
        bool_or(is_suspect_move) AS has_suspect, bool_or(is_wrong_move) AS has_wrong
    FROM moves
    GROUP BY deal_id
), ends AS (
    SELECT
        *, is_suspect OR is_contradictory AS is_left_out,
        (kept IS NULL OR kept < top) AND status <> 'won' AS is_less,
        CASE WHEN status = 'won' THEN 4 ELSE top END AS came
    FROM doubted
    JOIN tops USING (deal_id)
), told AS (
    SELECT
        rep_id, created_at, came, status = 'lost' AS is_lost,
        is_left_out OR kept IS NULL OR is_less AS is_other,
        is_suspect OR has_suspect AND (is_less OR is_left_out OR kept IS NULL) AS why_suspect,
        is_contradictory OR has_wrong AND (is_less OR is_left_out OR kept IS NULL) AS why_wrong,
        CASE WHEN is_left_out OR kept IS NULL THEN NULL WHEN status = 'won' THEN 4 ELSE kept END
            AS kept_came
    FROM ends
)
SELECT
    rep_id, date_trunc('month', created_at)::DATE AS month,
    count(*) FILTER (WHERE came > 0 OR came = 0 AND is_lost) AS n_rows_0,
    count(*) FILTER (WHERE (came > 0 OR came = 0 AND is_lost) AND why_suspect) AS n_suspect_0,
    count(*) FILTER (WHERE (came > 0 OR came = 0 AND is_lost) AND why_wrong) AS n_wrong_0,
    count(*) FILTER (WHERE (came > 0 OR came = 0 AND is_lost) AND is_other) AS n_left_out_0,
    count(*) FILTER (WHERE came > 0) AS top_0,
    count(*) FILTER (WHERE kept_came > 0) AS kept_top_0,
    count(*) FILTER (WHERE kept_came > 0 OR kept_came = 0 AND is_lost) AS kept_bottom_0,
    count(*) FILTER (WHERE came > 1 OR came = 1 AND is_lost) AS n_rows_1,
    count(*) FILTER (WHERE (came > 1 OR came = 1 AND is_lost) AND why_suspect) AS n_suspect_1,
    count(*) FILTER (WHERE (came > 1 OR came = 1 AND is_lost) AND why_wrong) AS n_wrong_1,
    count(*) FILTER (WHERE (came > 1 OR came = 1 AND is_lost) AND is_other) AS n_left_out_1,
    count(*) FILTER (WHERE came > 1) AS top_1,
    count(*) FILTER (WHERE kept_came > 1) AS kept_top_1,
    count(*) FILTER (WHERE kept_came > 1 OR kept_came = 1 AND is_lost) AS kept_bottom_1,
    count(*) FILTER (WHERE came > 2 OR came = 2 AND is_lost) AS n_rows_2,
    count(*) FILTER (WHERE (came > 2 OR came = 2 AND is_lost) AND why_suspect) AS n_suspect_2,
    count(*) FILTER (WHERE (came > 2 OR came = 2 AND is_lost) AND why_wrong) AS n_wrong_2,
    count(*) FILTER (WHERE (came > 2 OR came = 2 AND is_lost) AND is_other) AS n_left_out_2,
    count(*) FILTER (WHERE came > 2) AS top_2,
    count(*) FILTER (WHERE kept_came > 2) AS kept_top_2,
    count(*) FILTER (WHERE kept_came > 2 OR kept_came = 2 AND is_lost) AS kept_bottom_2,
    count(*) FILTER (WHERE came > 3 OR came = 3 AND is_lost) AS n_rows_3,
    count(*) FILTER (WHERE (came > 3 OR came = 3 AND is_lost) AND why_suspect) AS n_suspect_3,
    count(*) FILTER (WHERE (came > 3 OR came = 3 AND is_lost) AND why_wrong) AS n_wrong_3,
    count(*) FILTER (WHERE (came > 3 OR came = 3 AND is_lost) AND is_other) AS n_left_out_3,
    count(*) FILTER (WHERE came > 3) AS top_3,
    count(*) FILTER (WHERE kept_came > 3) AS kept_top_3,
    count(*) FILTER (WHERE kept_came > 3 OR kept_came = 3 AND is_lost) AS kept_bottom_3
FROM told
WHERE created_at IS NOT NULL
GROUP BY ALL
