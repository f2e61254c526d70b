SELECT record_id, status = 'error' AS failed, scores, labels
FROM experiment_results
WHERE experiment_id = {experiment_id:String} AND run_iteration = {run:UInt32}
