-- The executions of an experiment that count, as they were recorded.
SELECT
    span_id,
    trace_id,
    name,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    duration_ns,
    status,
    status_message AS error,
    error_type,
    arrayFilter(e -> e.name = 'exception', events).attributes[-1]['exception.stacktrace'] AS stack,
    record_id,
    run_iteration,
    run_id,
    tags,
    input,
    output,
    expected_output,
    metadata,
    mapFromArrays(
        mapKeys(metadata), arrayMap(k -> attribute_types[concat('evalspan.metadata.', k)], mapKeys(metadata))
    ) AS metadata_types
FROM spans_data FINAL
WHERE experiment_id = {experiment_id:String}
  AND span_type = 'CASE'
  AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM cases WHERE experiment_id = {experiment_id:String})
ORDER BY run_iteration, start_time, span_id
