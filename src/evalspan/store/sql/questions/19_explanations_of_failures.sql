-- What does the judge say of the executions that it scored below a threshold?
SELECT record_id, run_iteration, score_value, assessment, explanation
FROM evaluations
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND name = {evaluator:String}
    AND score_value < {below:Float64}
ORDER BY score_value, record_id, run_iteration
