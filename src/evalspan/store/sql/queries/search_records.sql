-- One page of the records that meet a condition over their runs, which stands where it says so.
SELECT
    record_id,
    runs,
    failed_runs,
    mean_duration_ms,
    mean_input_tokens,
    mean_output_tokens,
    mean_total_tokens,
    mean_cost_usd,
    scores,
    labels,
    spread,
    n,
    evaluator_errors,
    metadata,
    tags
FROM experiment_records
WHERE experiment_id = {experiment_id:String}
  AND (record_id, 1) > ({after_record:String}, {after_run:Int64})
  AND (/* condition */)
ORDER BY record_id
LIMIT {limit:UInt64}
