-- One row per (experiment, record, run_iteration).
-- scores and labels hold Nullable values: scores['absent'] is then NULL and no average counts an
-- absent score as zero, as it would with Map(String, Float64).
-- What is filtered stands on the right of each join: ClickHouse hands the keys that it finds there to the
-- left side, down to the sort key. So a question by the experiment's name, which is not in that key, reads
-- 20 million spans' keys and one experiment's rest.
CREATE OR REPLACE VIEW experiment_results AS
SELECT
    c.experiment_id AS experiment_id,
    c.experiment AS experiment,
    c.experiment_name AS experiment_name,
    c.project AS project,
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
    c.llm_calls AS llm_calls,
    c.input_tokens AS input_tokens,
    c.output_tokens AS output_tokens,
    c.total_tokens AS total_tokens,
    c.cost_usd AS cost_usd,
    s.scores AS scores,
    s.labels AS labels,
    s.evaluator_errors AS evaluator_errors,
    c.metadata AS metadata,
    c.experiment_metadata AS experiment_metadata,
    c.tags AS tags
FROM record_scores AS s
RIGHT JOIN used_cases AS c
    ON s.experiment_id = c.experiment_id AND s.record_id = c.record_id AND s.run_iteration = c.run_iteration
