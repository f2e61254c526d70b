-- One row per (experiment, run): cases, durations, tokens and money in one run iteration, and over
-- all of them as run -1. The traces are named so that ids reach the key for calls of other services
-- too, which carry no experiment.
-- A case without LLM calls used nothing; one with a call of unknown usage is unknown.
SELECT
    c.experiment_id AS experiment_id,
    run,
    count() AS cases,
    countIf(c.status = 'error') AS failed,
    uniqExact(c.record_id) AS records,
    avg(c.duration_ms) AS duration_mean,
    quantilesExactInclusive(0.5, 0.95)(c.duration_ms) AS duration_quantiles,
    sum(u.llm_calls) AS llm_calls,
    countIf(u.llm_calls > 0) AS calling_cases,
    countIf(u.llm_calls > 0 AND isNull(u.input_tokens)) AS unknown_input_tokens,
    countIf(u.llm_calls > 0 AND isNull(u.output_tokens)) AS unknown_output_tokens,
    countIf(u.llm_calls > 0 AND isNull(u.total_tokens)) AS unknown_total_tokens,
    countIf(u.llm_calls > 0 AND isNull(u.cost_usd)) AS unknown_cost,
    sum(u.input_tokens) AS input_tokens,
    sum(u.output_tokens) AS output_tokens,
    sum(u.total_tokens) AS total_tokens,
    toFloat64(sum(u.cost_usd)) AS cost
FROM
(
    SELECT experiment_id, record_id, run_iteration, status, trace_id, duration_ms
    FROM cases
    WHERE experiment_id IN {ids:Array(String)}
) AS c
LEFT ANY JOIN
(
    SELECT *
    FROM trace_usage
    WHERE experiment_id IN {ids:Array(String)} AND trace_id IN (
        SELECT trace_id FROM spans_data WHERE experiment_id IN {ids:Array(String)} AND span_type = 'CASE'
    )
) AS u ON u.experiment_id = c.experiment_id AND u.trace_id = c.trace_id
ARRAY JOIN [-1, toInt64(c.run_iteration)] AS run
GROUP BY c.experiment_id, run
ORDER BY c.experiment_id, run
SETTINGS optimize_move_to_prewhere_if_final = 1
