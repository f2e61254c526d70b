-- The executions of an experiment that count, without their texts.
SELECT record_id, run_iteration, trace_id, span_id, status, error, error_type, started_at, duration_ms, metadata
FROM cases
WHERE experiment_id = {experiment_id:String}
ORDER BY run_iteration, record_id
