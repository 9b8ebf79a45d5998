SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, slot, sum(amount)::DOUBLE AS booked,
    count(*) FILTER (WHERE list_amount > 0 AND amount > 0) AS n_priced,
    count(*) FILTER (WHERE NOT coalesce(list_amount > 0 AND amount > 0, false)) AS n_unpriced,
    sum(list_amount) FILTER (WHERE list_amount > 0 AND amount > 0)::DOUBLE AS listed,
    sum(list_amount - amount) FILTER (WHERE list_amount > 0 AND amount > 0)::DOUBLE AS given
FROM deals
JOIN target_days ON day = closed_at::DATE
WHERE status = 'won'
GROUP BY ALL
