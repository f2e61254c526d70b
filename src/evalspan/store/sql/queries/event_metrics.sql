SELECT
    span_id,
    trace_id,
    run_iteration,
    name,
    source,
    type,
    score_value,
    label_value,
    json_value,
    explanation,
    assessment,
    error,
    error_type,
    tags,
    metadata,
    toUnixTimestamp64Milli(timestamp) AS timestamp_ms
FROM evaluations
WHERE experiment_id = {experiment_id:String}
ORDER BY timestamp, span_id, name
