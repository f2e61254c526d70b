-- What can become rows of a dataset: calls of models, or whole traces by their root spans.
SELECT
    trace_id, span_id, name, span_type, input, output, request_model AS model, status, status_message,
    input_tokens, output_tokens, total_tokens, toFloat64(cost_usd) AS cost, duration_ns, start_time,
    session_id, user_id, experiment_id, service_name
FROM spans
WHERE start_time >= {start:DateTime64(9, 'UTC')}
  AND start_time < {end:DateTime64(9, 'UTC')}
  AND if({traces:Bool}, parent_span_id = '', span_type = 'LLM')
  AND cityHash64(trace_id, span_id) % 1000000 < {share:Float64} * 10000
ORDER BY start_time, trace_id, span_id
LIMIT {limit:UInt64}
