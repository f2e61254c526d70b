-- Which experiment, record and iteration a trace belongs to: how spans and scores that carry no
-- evalspan attribute (other services, joined by traceparent) find their place. What was sent with the
-- key of another project does not: whoever learns a trace id could else write into its experiment.
-- In a shared trace the parents tell: nested_spans.
CREATE OR REPLACE VIEW trace_cases AS
SELECT
    s.trace_id AS trace_id,
    argMin(s.experiment_id, (s.start_time, s.span_id)) AS experiment_id,
    argMin(s.run_id, (s.start_time, s.span_id)) AS run_id,
    argMin(if(s.run_iteration = 0, n.run_iteration, s.run_iteration), (s.start_time, s.span_id)) AS run_iteration,
    argMin(s.record_id, (s.start_time, s.span_id)) AS record_id,
    argMin(s.project, (s.start_time, s.span_id)) AS project
FROM spans_data AS s
LEFT ANY JOIN case_numbers AS n
    ON n.experiment_id = s.experiment_id AND n.trace_id = s.trace_id AND n.span_id = s.span_id
WHERE s.span_type = 'CASE' AND s.experiment_id != '' AND s.trace_id NOT IN (SELECT trace_id FROM shared_traces)
GROUP BY s.trace_id
