-- The texts of some executions.
SELECT trace_id, span_id, input, output, expected_output
FROM spans_data FINAL
WHERE experiment_id = {experiment_id:String}
  AND trace_id IN {trace_ids:Array(String)}
  AND span_id IN {span_ids:Array(String)}
