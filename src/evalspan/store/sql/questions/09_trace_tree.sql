-- What happened in one trace, as a tree in the order of time?
WITH RECURSIVE
    members AS (
        SELECT span_id, parent_span_id, name, span_type, start_time, duration_ns, status
        FROM spans
        WHERE trace_id = {trace_id:String}
    ),
    tree AS (
        SELECT *, 0 AS depth, [(start_time, span_id)] AS path
        FROM members
        WHERE parent_span_id NOT IN (SELECT span_id FROM members)
        UNION ALL
        SELECT child.*, tree.depth + 1 AS depth, arrayPushBack(tree.path, (child.start_time, child.span_id)) AS path
        FROM members AS child
        INNER JOIN tree ON child.parent_span_id = tree.span_id
        WHERE tree.depth < 100
    )
SELECT concat(repeat('  ', depth), name) AS span, span_type, round(duration_ns / 1e6, 3) AS ms, status, span_id
FROM tree
ORDER BY path
