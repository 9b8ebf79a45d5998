-- leads of each rep that carry what they must, and those that carry a word that says nothing
SELECT
    coalesce(rep_id, 'unassigned') AS rep_id, count(*) AS n_rows,
    count(*) FILTER (WHERE rep_id <> '') AS rep, count(*) FILTER (WHERE source <> '') AS source,
    count(*) FILTER (WHERE segment <> '') AS segment,
    count(*) FILTER (WHERE lower(trim(source)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS source_placeholder,
    count(*) FILTER (WHERE lower(trim(segment)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS segment_placeholder,
    count(*) FILTER (WHERE status <> '') AS status,
    count(*) FILTER (WHERE status = 'disqualified') AS n_disqualified,
    count(*) FILTER (WHERE status = 'disqualified' AND disqualify_reason <> '') AS reason,
    count(*) FILTER (WHERE status = 'disqualified' AND lower(trim(disqualify_reason)) IN (
        'other', 'others', 'unknown', 'n/a', 'na', 'none', '-', '--', '?', '.', 'x', 'test',
        'другое', 'прочее', 'не указано', 'нет', 'khác', 'không rõ', 'không'))
        AS reason_placeholder,
    count(*) FILTER (WHERE status = 'converted') AS n_converted,
    count(*) FILTER (WHERE status = 'converted' AND deal_id <> '') AS deal
FROM leads
WHERE created_at::DATE <= getvariable('as_of')
GROUP BY ALL
