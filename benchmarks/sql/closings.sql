-- what each rep closed day by day, and what of it was created before the rep was hired
WITH closed AS (
    SELECT
        coalesce(d.rep_id, 'unassigned') AS rep_id, closed_at::DATE AS day, status,
        amount::DOUBLE AS amount, coalesce(created_at::DATE < hired_on, false) AS is_inherited,
        CASE WHEN list_amount > 0 AND amount IS NOT NULL THEN list_amount::DOUBLE END AS listed
    FROM deals d
    LEFT JOIN reps USING (rep_id)
    WHERE status <> 'open'
)
SELECT
    rep_id, day,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE status = 'won' AND is_inherited) AS n_inherited,
    count(amount) FILTER (WHERE status = 'won') AS n_won_with_amount,
    sum(amount) FILTER (WHERE status = 'won') AS won_amount,
    sum(amount * amount) FILTER (WHERE status = 'won') AS won_squares,
    sum(amount) FILTER (WHERE status = 'won' AND is_inherited) AS inherited_amount,
    sum(listed) FILTER (WHERE status = 'won') AS listed_amount,
    sum(listed - amount) FILTER (WHERE status = 'won') AS discount_amount
FROM closed
GROUP BY ALL
