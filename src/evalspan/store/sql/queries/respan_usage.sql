-- Tokens and money of each trace of an experiment; NULL is unknown.
SELECT trace_id, llm_calls, input_tokens, output_tokens, total_tokens, toFloat64(cost_usd) AS cost_usd
FROM trace_usage
WHERE experiment_id = {experiment_id:String}
  AND (empty({trace_ids:Array(String)}) OR trace_id IN {trace_ids:Array(String)})
