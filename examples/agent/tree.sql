/* The newest trace as a tree. Each span's path is the spans above it, by their start. */
WITH RECURSIVE
    newest AS (SELECT trace_id FROM spans WHERE span_type = 'LLM' ORDER BY start_time DESC LIMIT 1),
    all_spans AS (SELECT * FROM spans WHERE trace_id IN (newest)),
    tree AS
    (
        SELECT span_id, 0 AS depth, toString(start_time) AS path
        FROM all_spans
        WHERE parent_span_id NOT IN (SELECT span_id FROM all_spans)
        UNION ALL
        SELECT s.span_id, t.depth + 1, t.path || '/' || toString(s.start_time)
        FROM all_spans AS s
        INNER JOIN tree AS t ON s.parent_span_id = t.span_id
    )
SELECT
    repeat('  ', t.depth) || s.name AS span,
    s.span_type AS type,
    round(s.duration_ns / 1e6, 1) AS ms,
    s.input_tokens AS tokens_in,
    s.output_tokens AS tokens_out,
    s.cost_usd AS usd
FROM tree AS t
INNER JOIN all_spans AS s ON s.span_id = t.span_id
ORDER BY t.path
