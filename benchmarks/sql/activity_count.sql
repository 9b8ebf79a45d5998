SELECT count(*) AS n_activities
FROM activities
WHERE occurred_at::DATE > getvariable('as_of') - INTERVAL 12 MONTH
  AND occurred_at::DATE <= getvariable('as_of')
