SELECT record_id, failed_runs = runs AS failed, scores, labels
FROM experiment_records
WHERE experiment_id = {experiment_id:String}
