-- Which run of a pipeline did best by one evaluator?
SELECT experiment_name, experiment_id, mean, mode, n_records, spread
FROM experiment_summary
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND evaluator = {evaluator:String}
ORDER BY mean DESC NULLS LAST, experiment_name
