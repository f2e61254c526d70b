-- Traces that belong to no experiment and of which nothing came in since a time.
SELECT trace_id
FROM
(
    SELECT trace_id, received_at FROM spans_data WHERE experiment_id = ''
    UNION ALL
    SELECT trace_id, received_at FROM evaluations_data WHERE experiment_id = '' AND trace_id != ''
    UNION ALL
    SELECT trace_id, received_at FROM logs_data WHERE trace_id != ''
)
WHERE trace_id NOT IN (SELECT trace_id FROM spans_data WHERE experiment_id != '')
GROUP BY trace_id
HAVING max(received_at) < {since:DateTime64(6, 'UTC')}
LIMIT {limit:UInt64}
