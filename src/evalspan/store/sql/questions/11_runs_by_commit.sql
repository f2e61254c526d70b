-- How do the runs of one pipeline compare by commit?
SELECT
    metadata_map['commit'] AS commit,
    count() AS runs,
    min(e.created_at) AS first_run,
    round(avg(s.mean), 4) AS mean_score,
    sum(s.n_errors) AS evaluator_errors
FROM experiments AS e
INNER JOIN experiment_summary AS s ON s.experiment_id = e.experiment_id
WHERE e.experiment = {experiment:String}
    AND s.experiment_id IN (SELECT experiment_id FROM experiments WHERE experiment = {experiment:String})
    AND s.evaluator = {evaluator:String}
GROUP BY commit
ORDER BY first_run
