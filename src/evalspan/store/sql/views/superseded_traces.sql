-- Traces of executions that were run again since: their scores do not describe what the case is now.
CREATE OR REPLACE VIEW superseded_traces AS
SELECT
    s.experiment_id AS experiment_id,
    s.record_id AS record_id,
    s.run_iteration AS run_iteration,
    arrayJoin(arrayFilter(
        t -> t != argMax(s.trace_id, (s.start_time, s.trace_id, s.span_id)), groupUniqArray(s.trace_id)
    )) AS trace_id
FROM spans_data AS s
WHERE s.span_type = 'CASE' AND s.experiment_id != '' AND s.run_iteration != 0
GROUP BY s.experiment_id, s.record_id, s.run_iteration
HAVING uniqExact(s.trace_id) > 1
