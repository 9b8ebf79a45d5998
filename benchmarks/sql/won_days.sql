-- what each rep won day by day: number, money, its squares and the largest
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, closed_at::DATE AS day,
    count(*) AS n_won, count(amount) AS n_events, sum(amount)::DOUBLE AS actual,
    sum(amount::DOUBLE ** 2) AS squares, max(amount)::DOUBLE AS largest
FROM deals
WHERE status = 'won' AND closed_at::DATE <= getvariable('as_of')
GROUP BY ALL
