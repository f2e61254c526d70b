-- Over all runs there is no one output.
SELECT record_id, input
FROM experiment_records
WHERE experiment_id = {experiment_id:String}
