-- The spans of some traces of an experiment, whole.
SELECT
    trace_id, span_id, parent_span_id, name, span_type, evaluator, status, status_message, error_type, start_time,
    duration_ns, provider, request_model, response_model, input_tokens, output_tokens, total_tokens,
    toFloat64(cost_usd) AS cost_usd, time_to_first_token, input, output, attributes, session_id, user_id
FROM spans
WHERE experiment_id = {experiment_id:String} AND trace_id IN {trace_ids:Array(String)}
ORDER BY start_time, span_id
