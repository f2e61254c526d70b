-- What the spans of each trace of an experiment come to.
SELECT
    s.trace_id AS trace_id,
    s.name AS name,
    s.span_count AS span_count,
    s.error_count AS error_count,
    s.user_id AS user_id,
    s.first_token AS first_token,
    s.generation_seconds AS generation_seconds,
    u.llm_calls AS llm_calls,
    u.input_tokens AS input_tokens,
    u.output_tokens AS output_tokens,
    u.total_tokens AS total_tokens,
    toFloat64(u.cost_usd) AS cost_usd
FROM
(
    SELECT
        trace_id,
        argMinIf(name, start_time, span_type = 'CASE') AS name,
        count() AS span_count,
        countIf(status = 'error') AS error_count,
        max(user_id) AS user_id,
        avgIf(time_to_first_token, span_type = 'LLM' AND evaluator = '') AS first_token,
        sumIf(duration_ns, span_type = 'LLM' AND evaluator = '' AND isNotNull(output_tokens)) / 1e9 AS generation_seconds
    FROM spans
    WHERE experiment_id = {experiment_id:String}
    GROUP BY trace_id
) AS s
LEFT ANY JOIN
(
    SELECT trace_id, llm_calls, input_tokens, output_tokens, total_tokens, cost_usd
    FROM trace_usage
    WHERE experiment_id = {experiment_id:String}
) AS u ON u.trace_id = s.trace_id
