WITH per_deal AS (
    SELECT
        deal_id,
        max(entered_at) AS last_at,
        min(entered_at) FILTER (WHERE stage IN ('Qualified', 'Demo', 'Proposal', 'Negotiation',
                                                'Won')) AS reached_0,
        min(entered_at) FILTER (WHERE stage IN ('Demo', 'Proposal', 'Negotiation', 'Won'))
            AS reached_1,
        min(entered_at) FILTER (WHERE stage IN ('Proposal', 'Negotiation', 'Won')) AS reached_2,
        min(entered_at) FILTER (WHERE stage IN ('Negotiation', 'Won')) AS reached_3,
        min(entered_at) FILTER (WHERE stage = 'Won') AS reached_4,
        max(entered_at) FILTER (WHERE stage = 'Qualified') AS entered_0,
        max(entered_at) FILTER (WHERE stage = 'Demo') AS entered_1,
        max(entered_at) FILTER (WHERE stage = 'Proposal') AS entered_2,
        max(entered_at) FILTER (WHERE stage = 'Negotiation') AS entered_3
    FROM stage_changes
    WHERE entered_at::DATE <= getvariable('as_of')
    GROUP BY deal_id
), placed AS (
    SELECT
        p.* EXCLUDE (deal_id, reached_0, entered_0),
        d.status, d.closed_at,
        p.reached_0 IS NULL AS is_unmoved,
        coalesce(p.reached_0, d.created_at) AS reached_0,
        CASE WHEN p.reached_0 IS NULL THEN d.created_at ELSE p.entered_0 END AS entered_0
    FROM deals d
    LEFT JOIN per_deal p USING (deal_id)
    WHERE (p.reached_0 IS NOT NULL
           OR d.created_at >= (SELECT min(entered_at)::DATE FROM stage_changes))
), dated AS (
    SELECT *, coalesce(closed_at, last_at, reached_0) AS end_at FROM placed
), stepped AS (
    SELECT status, end_at, 0 AS step, reached_0 AS here_at, reached_1 AS passed_at,
           entered_0 AS entered_at, is_unmoved FROM dated
    UNION ALL
    SELECT status, end_at, 1, reached_1, reached_2, entered_1, false FROM dated
    UNION ALL
    SELECT status, end_at, 2, reached_2, reached_3, entered_2, false FROM dated
    UNION ALL
    SELECT status, end_at, 3, reached_3, reached_4, entered_3, false FROM dated
), timed AS (
    SELECT
        step, status, entered_at, end_at, passed_at, is_unmoved,
        CASE WHEN status = 'won' THEN coalesce(passed_at, end_at)
             WHEN step < 3 THEN passed_at END AS next_at,
        CASE WHEN status = 'won' THEN coalesce(here_at, passed_at, end_at) ELSE here_at END
            AS here_at
    FROM stepped
    WHERE here_at IS NOT NULL OR status = 'won'
)
SELECT
    step,
    greatest(date_diff(
        'day', here_at::DATE,
        coalesce(next_at::DATE, CASE WHEN status = 'lost' THEN end_at::DATE END,
                 getvariable('as_of'))
    ), 0) AS wait_days,
    count(next_at) AS n_to,
    count(*) FILTER (WHERE next_at IS NULL AND status = 'lost') AS n_lost,
    count(*) FILTER (WHERE next_at IS NULL AND status <> 'lost') AS n_open,
    count(*) FILTER (WHERE entered_at IS NULL) AS n_skipped,
    count(*) FILTER (WHERE next_at IS NOT NULL AND entered_at > passed_at) AS n_returned,
    count(*) FILTER (WHERE is_unmoved) AS n_without_history
FROM timed
GROUP BY ALL
