-- The case that a span of a shared trace stands below: the nearest one up its parents, a case being its
-- own. Who stands below none, or below a parent that never came, is not here. Each step doubles how far
-- up is looked: 512 levels. A recursive query took 60 ms longer to plan, in every question.
CREATE OR REPLACE VIEW nested_spans AS
SELECT
    trace_id,
    ids[position] AS span_id,
    members[nearest].4.1 AS experiment_id,
    members[nearest].4.2 AS run_id,
    members[nearest].4.3 AS run_iteration,
    members[nearest].4.4 AS record_id,
    members[nearest].4.5 AS project
FROM
(
    SELECT
        trace_id,
        groupArray((span_id, parent_span_id, span_type = 'CASE', (experiment_id, run_id, run_iteration, record_id, project))) AS members,
        arrayMap(m -> m.1, members) AS ids,
        arrayFold(
            (up, step) -> arrayMap(j -> if(j = 0, 0, up[j]), up),
            range(9),
            arrayMap((m, i) -> if(m.3, toUInt64(i), indexOf(ids, m.2)), members, arrayEnumerate(members))
        ) AS nearest_of
    FROM
    (
        SELECT
            s.trace_id AS trace_id,
            s.span_id AS span_id,
            argMax(s.parent_span_id, (s.experiment_id != '', s.received_at)) AS parent_span_id,
            argMax(s.span_type, (s.experiment_id != '', s.received_at)) AS span_type,
            argMax(s.experiment_id, (s.experiment_id != '', s.received_at)) AS experiment_id,
            argMax(s.run_id, (s.experiment_id != '', s.received_at)) AS run_id,
            argMax(if(s.run_iteration = 0, n.run_iteration, s.run_iteration), (s.experiment_id != '', s.received_at)) AS run_iteration,
            argMax(s.record_id, (s.experiment_id != '', s.received_at)) AS record_id,
            argMax(s.project, (s.experiment_id != '', s.received_at)) AS project
        FROM spans_data AS s
        LEFT ANY JOIN case_numbers AS n
            ON n.experiment_id = s.experiment_id AND n.trace_id = s.trace_id AND n.span_id = s.span_id
        WHERE s.trace_id IN (SELECT trace_id FROM shared_traces)
        GROUP BY s.trace_id, s.span_id
    )
    GROUP BY trace_id
)
ARRAY JOIN nearest_of AS nearest, arrayEnumerate(nearest_of) AS position
WHERE nearest != 0 AND members[nearest].3
