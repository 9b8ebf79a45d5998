-- deals of each rep that carry what they must, and those that carry a word that says nothing
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, count(*) AS n_rows, count(created_at) AS created_at,
    count(*) FILTER (WHERE rep_id <> '') AS rep,
    count(*) FILTER (WHERE account_id <> '') AS account,
    count(*) FILTER (WHERE source <> '') AS source,
    count(*) FILTER (WHERE segment <> '') AS segment,
    count(*) FILTER (WHERE product <> '') AS product,
    count(*) FILTER (WHERE lower(trim(source)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS source_placeholder,
    count(*) FILTER (WHERE lower(trim(segment)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS segment_placeholder,
    count(*) FILTER (WHERE lower(trim(product)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS product_placeholder,
    count(*) FILTER (WHERE status = 'open') AS n_open,
    count(expected_close_on) FILTER (WHERE status = 'open') AS expected_close_on,
    count(*) FILTER (WHERE status = 'won') AS n_won,
    count(*) FILTER (WHERE status = 'won' AND amount > 0) AS won_amount,
    count(*) FILTER (WHERE status = 'lost') AS n_lost,
    count(*) FILTER (WHERE status = 'lost' AND amount > 0) AS lost_amount,
    count(*) FILTER (WHERE status = 'open' AND stage IN ('Demo', 'Proposal', 'Negotiation'))
        AS n_later,
    count(*) FILTER (WHERE status = 'open' AND stage IN ('Demo', 'Proposal', 'Negotiation')
                       AND amount > 0) AS later_amount,
    count(*) FILTER (WHERE status <> 'open') AS n_closed,
    count(closed_at) FILTER (WHERE status <> 'open') AS closed_at,
    count(*) FILTER (WHERE status = 'lost' AND loss_reason <> '') AS loss_reason,
    count(*) FILTER (WHERE status = 'lost' AND lower(trim(loss_reason)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS loss_reason_placeholder
FROM deals
GROUP BY ALL
