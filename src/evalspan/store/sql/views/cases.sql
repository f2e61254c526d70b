-- The executed cases: one row per (experiment, record, run_iteration); where a case ran again, its
-- latest execution. Cases of deleted experiments are left out. GROUP BY and argMax rather than LIMIT 1 BY: filters on the keys then reach the
-- primary key, and columns that nobody asked for are not read.
CREATE OR REPLACE VIEW cases AS
SELECT
    s.experiment_id AS experiment_id,
    s.record_id AS record_id,
    s.run_iteration AS run_iteration,
    argMax(s.run_id, (s.start_time, s.trace_id, s.span_id)) AS run_id,
    argMax(s.experiment, (s.start_time, s.trace_id, s.span_id)) AS experiment,
    argMax(s.project, (s.start_time, s.trace_id, s.span_id)) AS project,
    argMax(s.dataset_id, (s.start_time, s.trace_id, s.span_id)) AS dataset_id,
    argMax(s.dataset, (s.start_time, s.trace_id, s.span_id)) AS dataset,
    argMax(tuple(s.dataset_version), (s.start_time, s.trace_id, s.span_id)).1 AS dataset_version,
    argMax(s.input, (s.start_time, s.trace_id, s.span_id)) AS input,
    argMax(s.output, (s.start_time, s.trace_id, s.span_id)) AS output,
    argMax(s.expected_output, (s.start_time, s.trace_id, s.span_id)) AS expected_output,
    argMax(if(s.status = 'error', 'error', 'ok'), (s.start_time, s.trace_id, s.span_id)) AS status,
    argMax(s.status_message, (s.start_time, s.trace_id, s.span_id)) AS error,
    argMax(s.error_type, (s.start_time, s.trace_id, s.span_id)) AS error_type,
    argMax(s.trace_id, (s.start_time, s.trace_id, s.span_id)) AS trace_id,
    argMax(s.span_id, (s.start_time, s.trace_id, s.span_id)) AS span_id,
    argMax(s.metadata, (s.start_time, s.trace_id, s.span_id)) AS metadata,
    argMax(s.experiment_metadata, (s.start_time, s.trace_id, s.span_id)) AS experiment_metadata,
    argMax(s.tags, (s.start_time, s.trace_id, s.span_id)) AS tags,
    argMax(s.duration_ns, (s.start_time, s.trace_id, s.span_id)) / 1e6 AS duration_ms,
    max(s.start_time) AS started_at
FROM stated_spans AS s
WHERE s.span_type = 'CASE'
  AND s.experiment_id NOT IN (SELECT experiment_id FROM experiments_data FINAL WHERE deleted)
GROUP BY s.experiment_id, s.record_id, s.run_iteration
