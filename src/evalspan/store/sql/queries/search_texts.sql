-- The texts of a page of runs: read by key, so that a search reads those of its rows only.
SELECT record_id, run_iteration, input, output, expected_output
FROM experiment_results
WHERE experiment_id = {experiment_id:String} AND record_id IN {records:Array(String)}
