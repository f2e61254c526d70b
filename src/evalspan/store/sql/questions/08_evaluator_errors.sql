-- How often does each evaluator fail?
SELECT experiment_name, evaluator, n_errors, n_scores, round(n_errors / nullIf(n_errors + n_scores, 0), 4) AS error_rate
FROM experiment_summary
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
ORDER BY error_rate DESC, experiment_name, evaluator
