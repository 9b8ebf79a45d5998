-- deals created in the last twelve months, by days until won, lost or last seen
WITH known AS (
    SELECT
        created_at::DATE AS created_on,
        CASE WHEN NOT is_later AND status <> 'open' THEN closed_at::DATE END AS closed_on,
        CASE WHEN is_later THEN 'open' ELSE status END AS status
    FROM (
        SELECT *, coalesce(closed_at::DATE > getvariable('as_of'), false) AS is_later FROM deals
    )
)
SELECT
    greatest(date_diff('day', created_on, coalesce(closed_on, getvariable('as_of'))), 0)
        AS wait_days,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE status = 'open') AS n_open
FROM known
WHERE created_on > getvariable('as_of') - INTERVAL 12 MONTH
  AND created_on <= getvariable('as_of')
  AND (status = 'open' OR closed_on IS NOT NULL)
GROUP BY ALL
