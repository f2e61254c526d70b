-- How do the scores differ by a field of the records' metadata?
SELECT
    experiment_name,
    metadata[{field:String}] AS value,
    uniqExact(record_id) AS records,
    round(avg(scores[{evaluator:String}]), 4) AS mean_score,
    countIf(status = 'error') AS failed_runs
FROM experiment_results
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
GROUP BY experiment_id, experiment_name, value
ORDER BY experiment_name, value
