-- What does one correct answer cost? Unknown where the cost of any call is unknown.
SELECT
    experiment_name,
    countIf(scores[{evaluator:String}] >= 1) AS correct,
    if(countIf(llm_calls > 0 AND cost_usd IS NULL) > 0, NULL, sum(cost_usd)) AS total_cost_usd,
    toFloat64(total_cost_usd) / nullIf(correct, 0) AS usd_per_correct_answer
FROM experiment_results
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
GROUP BY experiment_id, experiment_name
ORDER BY usd_per_correct_answer, experiment_name
