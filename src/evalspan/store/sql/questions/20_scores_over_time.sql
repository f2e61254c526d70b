-- How did the scores of one pipeline develop over time?
SELECT
    e.created_at AS created_at,
    e.experiment_name AS experiment_name,
    s.evaluator AS evaluator,
    s.mean AS mean,
    s.mode AS mode
FROM experiments AS e
INNER JOIN experiment_summary AS s ON s.experiment_id = e.experiment_id
WHERE e.experiment = {experiment:String}
    AND s.experiment_id IN (SELECT experiment_id FROM experiments WHERE experiment = {experiment:String})
    AND s.source = 'record'
ORDER BY created_at, experiment_name, evaluator
