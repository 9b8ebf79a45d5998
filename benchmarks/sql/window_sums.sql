-- deals and leads created and deals won by rep, in the last twelve months and the twelve before
WITH events AS (
    SELECT rep_id, created_at::DATE AS day, 'deal' AS kind, NULL AS amount, NULL AS listed
    FROM deals
    UNION ALL
    SELECT rep_id, closed_at::DATE, 'won', amount, coalesce(list_amount, amount)
    FROM deals
    WHERE status = 'won'
    UNION ALL
    SELECT rep_id, created_at::DATE, 'lead', NULL, NULL
    FROM leads
)
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id,
    CASE WHEN day > getvariable('as_of') - INTERVAL 12 MONTH THEN 'now' ELSE 'then' END AS side,
    count(*) FILTER (WHERE kind = 'deal') AS deals,
    count(amount) FILTER (WHERE kind = 'won') AS won,
    count(*) FILTER (WHERE kind = 'lead') AS leads,
    sum(amount)::DOUBLE AS amount,
    sum(listed)::DOUBLE AS list_amount
FROM events
WHERE day <= getvariable('as_of') AND day > getvariable('as_of') - INTERVAL 24 MONTH
GROUP BY ALL
