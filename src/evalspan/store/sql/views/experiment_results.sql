-- One row per (experiment, record, run_iteration).
-- scores and labels hold Nullable values: scores['absent'] is then NULL and no average counts an
-- absent score as zero, as it would with Map(String, Float64).
CREATE OR REPLACE VIEW experiment_results AS
SELECT
    c.experiment_id AS experiment_id,
    if(e.experiment = '', c.experiment, e.experiment) AS experiment,
    if(e.experiment_name = '', c.experiment, e.experiment_name) AS experiment_name,
    if(e.project = '', c.project, e.project) AS project,
    c.dataset_id AS dataset_id,
    c.dataset AS dataset,
    c.dataset_version AS dataset_version,
    c.run_iteration AS run_iteration,
    c.run_id AS run_id,
    c.record_id AS record_id,
    c.input AS input,
    c.output AS output,
    c.expected_output AS expected_output,
    c.status AS status,
    c.error AS error,
    c.error_type AS error_type,
    c.trace_id AS trace_id,
    c.span_id AS span_id,
    c.started_at AS started_at,
    c.duration_ms AS duration_ms,
    u.llm_calls AS llm_calls,
    u.input_tokens AS input_tokens,
    u.output_tokens AS output_tokens,
    u.total_tokens AS total_tokens,
    u.cost_usd AS cost_usd,
    s.scores AS scores,
    s.labels AS labels,
    s.evaluator_errors AS evaluator_errors,
    c.metadata AS metadata,
    mapUpdate(c.experiment_metadata, e.metadata_map) AS experiment_metadata,
    c.tags AS tags
FROM (SELECT *, trace_id IN (SELECT trace_id FROM shared_traces) AS shared FROM cases) AS c
LEFT ANY JOIN experiments AS e ON e.experiment_id = c.experiment_id
LEFT ANY JOIN trace_usage AS u
    ON u.experiment_id = c.experiment_id AND u.trace_id = c.trace_id
    AND u.part = if(c.shared, (c.record_id, c.run_iteration), ('', 0))
LEFT ANY JOIN record_scores AS s
    ON s.experiment_id = c.experiment_id AND s.record_id = c.record_id AND s.run_iteration = c.run_iteration
