-- deals decided and won in the last twelve months by rep and kind of deal
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, source, segment, count(*) AS n,
    count(*) FILTER (WHERE status = 'won') AS won
FROM deals
WHERE status <> 'open' AND closed_at::DATE > getvariable('as_of') - INTERVAL 12 MONTH
  AND closed_at::DATE <= getvariable('as_of')
GROUP BY ALL
