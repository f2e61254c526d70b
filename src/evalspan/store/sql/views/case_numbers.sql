-- The iteration of cases that do not state theirs: the executions of a record are numbered by start, a
-- tie goes to the lower ids, so it is the same whatever came in first, or twice. Stated iterations of
-- the same record stay theirs, the numbers go on above them. Only for experiments that are marked.
CREATE OR REPLACE VIEW case_numbers AS
SELECT
    experiment_id,
    turn.2 AS trace_id,
    turn.3 AS span_id,
    toUInt32(stated + number) AS run_iteration
FROM
(
    SELECT
        experiment_id,
        record_id,
        max(run_iteration) AS stated,
        arraySort(groupArrayIf((start_time, trace_id, span_id), run_iteration = 0)) AS turns
    FROM spans_data FINAL
    WHERE span_type = 'CASE'
      AND experiment_id IN (SELECT parent FROM documents_data WHERE kind = 'cases_by_start')
    GROUP BY experiment_id, record_id
)
ARRAY JOIN turns AS turn, arrayEnumerate(turns) AS number
