SELECT record_id, input, expected_output
FROM experiment_records
WHERE experiment_id = {experiment_id:String} AND record_id IN {records:Array(String)}
