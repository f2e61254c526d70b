-- Which experiment, record and iteration a trace belongs to, or a span of a shared trace: how spans and
-- scores that carry no evalspan attribute (other services, joined by traceparent) find their place.
-- span_id is '' for a whole trace. What was sent with the key of another project finds none: whoever
-- learns a trace id could else write into its experiment; hence a row per project that may.
-- The experiment is a key, so that a filter on it reaches the sort key of the cases.
CREATE OR REPLACE VIEW trace_cases AS
SELECT
    trace_id,
    '' AS span_id,
    arrayJoin(arrayDistinct(['', argMin(project, (start_time, id))])) AS sender,
    experiment_id,
    argMin(run_id, (start_time, id)) AS run_id,
    argMin(run_iteration, (start_time, id)) AS run_iteration,
    argMin(record_id, (start_time, id)) AS record_id
FROM (SELECT trace_id, span_id AS id, project, experiment_id, run_id, run_iteration, record_id, start_time FROM stated_spans WHERE span_type = 'CASE')
WHERE trace_id NOT IN (SELECT trace_id FROM shared_traces)
GROUP BY trace_id, experiment_id
UNION ALL
SELECT
    trace_id, span_id, arrayJoin(arrayDistinct(['', toString(project)])) AS sender, experiment_id, run_id, run_iteration, record_id
FROM nested_spans
