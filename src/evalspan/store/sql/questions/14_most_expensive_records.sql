-- Which records cost the most? A sum with an unknown part is unknown and stands first.
SELECT
    record_id,
    count() AS executions,
    if(countIf(llm_calls > 0 AND cost_usd IS NULL) > 0, NULL, sum(cost_usd)) AS total_cost_usd,
    sum(total_tokens) AS known_tokens
FROM experiment_results
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
GROUP BY record_id
ORDER BY total_cost_usd DESC NULLS FIRST, record_id
LIMIT 20
