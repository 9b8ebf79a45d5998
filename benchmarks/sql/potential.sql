SELECT territory, sum(potential_amount) AS potential
FROM accounts
WHERE potential_amount > 0
GROUP BY territory
