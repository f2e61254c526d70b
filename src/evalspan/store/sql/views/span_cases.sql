-- Which case a span of an experiment belongs to, its trace included: how scores find their record that
-- name only the experiment and the span. A case is its own, also where several share a trace.
-- Only for experiments that have such scores: reading all scores beside two million spans and none
-- such took 2.9 s with every experiment in it, and takes 50 ms so.
CREATE OR REPLACE VIEW span_cases AS
SELECT
    s.experiment_id AS experiment_id,
    s.span_id AS span_id,
    any(c.trace_id) AS trace_id,
    any(if(s.span_type = 'CASE', s.run_id, c.run_id)) AS run_id,
    any(multiIf(s.span_type != 'CASE', c.run_iteration, s.run_iteration = 0, n.run_iteration, s.run_iteration)) AS run_iteration,
    any(if(s.span_type = 'CASE', s.record_id, c.record_id)) AS record_id
FROM spans_data AS s
INNER JOIN
(
    SELECT experiment_id, trace_id, run_id, run_iteration, record_id
    FROM spans_data
    WHERE span_type = 'CASE'
      AND experiment_id IN (SELECT experiment_id FROM evaluations_data WHERE experiment_id != '' AND record_id = '' AND source != 'summary')
) AS c ON c.experiment_id = s.experiment_id AND c.trace_id = s.trace_id
LEFT ANY JOIN case_numbers AS n
    ON n.experiment_id = s.experiment_id AND n.trace_id = s.trace_id AND n.span_id = s.span_id
WHERE s.experiment_id IN (SELECT experiment_id FROM evaluations_data WHERE experiment_id != '' AND record_id = '' AND source != 'summary')
GROUP BY s.experiment_id, s.span_id
