-- The cases with what their calls used. The condition makes an inner join of the one in `spans`.
CREATE OR REPLACE VIEW used_cases AS
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
    c.metadata AS metadata,
    c.experiment_metadata AS experiment_metadata,
    c.tags AS tags,
    u.llm_calls AS llm_calls,
    u.input_tokens AS input_tokens,
    u.output_tokens AS output_tokens,
    u.total_tokens AS total_tokens,
    u.cost_usd AS cost_usd
FROM (SELECT * FROM trace_usage WHERE experiment_id != '') AS u
RIGHT JOIN named_cases AS c
    ON u.experiment_id = c.experiment_id AND u.trace_id = c.trace_id AND u.part = c.part
