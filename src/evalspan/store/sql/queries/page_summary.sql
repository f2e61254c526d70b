SELECT evaluator, type, mean, mode, spread, n_scores, n_errors
FROM experiment_summary
WHERE experiment_id = {experiment_id:String}
ORDER BY source, evaluator
