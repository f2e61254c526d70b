-- Which experiment, record and iteration a trace belongs to: how spans and scores that carry no
-- evalspan attribute (other services, joined by traceparent) find their place. What was sent with the
-- key of another project does not: whoever learns a trace id could else write into its experiment.
CREATE OR REPLACE VIEW trace_cases AS
SELECT
    s.trace_id AS trace_id,
    argMin(s.experiment_id, (s.start_time, s.span_id)) AS experiment_id,
    argMin(s.run_id, (s.start_time, s.span_id)) AS run_id,
    argMin(s.run_iteration, (s.start_time, s.span_id)) AS run_iteration,
    argMin(s.record_id, (s.start_time, s.span_id)) AS record_id,
    argMin(s.project, (s.start_time, s.span_id)) AS project
FROM spans_data AS s
WHERE s.span_type = 'CASE' AND s.experiment_id != ''
GROUP BY s.trace_id
