-- One page of the runs that meet a condition, which stands where it says so.
SELECT
    record_id,
    run_iteration,
    status,
    error,
    trace_id,
    started_at,
    duration_ms,
    llm_calls,
    input_tokens,
    output_tokens,
    total_tokens,
    toFloat64(r.cost_usd) AS cost_usd,
    scores,
    labels,
    evaluator_errors,
    metadata,
    tags
FROM experiment_results AS r
WHERE experiment_id = {experiment_id:String}
  AND (record_id, run_iteration) > ({after_record:String}, {after_run:Int64})
  AND (/* condition */)
ORDER BY record_id, run_iteration
LIMIT {limit:UInt64}
