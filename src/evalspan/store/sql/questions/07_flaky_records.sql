-- Which records come out differently from one run iteration to the next?
SELECT
    record_id,
    count() AS runs,
    groupArray(coalesce(toString(scores[{evaluator:String}]), labels[{evaluator:String}])) AS values,
    length(arrayDistinct(values)) AS outcomes
FROM (SELECT * FROM experiment_results ORDER BY run_iteration)
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND (scores[{evaluator:String}] IS NOT NULL OR labels[{evaluator:String}] IS NOT NULL)
GROUP BY experiment_id, record_id
HAVING outcomes > 1
ORDER BY outcomes DESC, record_id
