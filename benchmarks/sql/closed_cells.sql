-- closed deals and wins by rep, what hangs on the rep, and quarter
SELECT
    coalesce(d.rep_id, 'unassigned') AS rep_id, coalesce(team, 'unassigned') AS team,
    coalesce(manager_id, 'unassigned') AS manager_id,
    coalesce(territory, 'unassigned') AS territory,
    year(closed_at) * 4 + quarter(closed_at) AS closed_quarter, count(*) AS n,
    count(*) FILTER (WHERE status = 'won') AS n_won
FROM deals d
LEFT JOIN reps USING (rep_id)
WHERE status <> 'open'
GROUP BY ALL
