-- What the spans of each trace of an experiment come to.
SELECT
    trace_id,
    argMinIf(name, start_time, span_type = 'CASE') AS name,
    minOrNullIf(start_time, span_type = 'CASE') AS case_start, -- spans of other services may come first
    argMinIf(duration_ns, start_time, span_type = 'CASE') AS case_duration_ns,
    count() AS span_count,
    countIf(status = 'error') AS error_count,
    countIf(span_type = 'LLM' AND evaluator = '') AS llm_calls,
    max(user_id) AS user_id,
    avgIf(time_to_first_token, span_type = 'LLM' AND evaluator = '') AS first_token,
    sumIf(duration_ns, span_type = 'LLM' AND evaluator = '' AND isNotNull(output_tokens)) / 1e9 AS generation_seconds
FROM spans
WHERE experiment_id = {experiment_id:String}
  AND (empty({trace_ids:Array(String)}) OR trace_id IN {trace_ids:Array(String)})
GROUP BY trace_id
