-- The case that a span of a shared trace stands below: the nearest one up its parents, a case being its
-- own. Who stands below none, or below a parent that never came, is not here. Every span has one parent,
-- so the walk down from the cases meets it once; the limit is far below ClickHouse's own of 1,000 steps,
-- beyond which the query would fail.
CREATE OR REPLACE VIEW nested_spans AS
WITH RECURSIVE
links AS
(
    SELECT trace_id, span_id, argMax(s.parent_span_id, s.received_at) AS parent_span_id
    FROM spans_data AS s
    WHERE s.trace_id IN (SELECT trace_id FROM shared_traces)
    GROUP BY s.trace_id, s.span_id
    HAVING argMax(s.span_type, s.received_at) != 'CASE'
),
below AS
(
    SELECT
        s.trace_id AS trace_id,
        s.span_id AS span_id,
        (s.experiment_id, s.run_id, if(s.run_iteration = 0, n.run_iteration, s.run_iteration), s.record_id, s.project) AS who,
        1 AS depth
    FROM (SELECT * FROM spans_data FINAL WHERE span_type = 'CASE' AND trace_id IN (SELECT trace_id FROM shared_traces)) AS s
    LEFT ANY JOIN case_numbers AS n
        ON n.experiment_id = s.experiment_id AND n.trace_id = s.trace_id AND n.span_id = s.span_id
    UNION ALL
    SELECT l.trace_id, l.span_id, b.who, b.depth + 1
    FROM below AS b
    INNER JOIN links AS l ON l.trace_id = b.trace_id AND l.parent_span_id = b.span_id
    WHERE b.depth < 200
)
SELECT
    trace_id,
    span_id,
    who.1 AS experiment_id,
    who.2 AS run_id,
    who.3 AS run_iteration,
    who.4 AS record_id,
    who.5 AS project
FROM below
