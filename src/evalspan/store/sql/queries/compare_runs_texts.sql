SELECT record_id, input, output
FROM experiment_results
WHERE experiment_id = {experiment_id:String} AND run_iteration = {run:UInt32}
