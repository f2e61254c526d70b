SELECT record_id, run_iteration, status, error, error_type, output, trace_id, span_id, duration_ms
FROM experiment_results
WHERE experiment_id = {experiment_id:String}
