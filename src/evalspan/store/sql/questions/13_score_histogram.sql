-- How are the scores of one evaluator distributed, in steps of a given width?
SELECT
    round(floor(scores[{evaluator:String}] / {width:Float64} + 1e-9) * {width:Float64}, 9) AS from_score,
    count() AS executions,
    bar(executions, 0, max(executions) OVER (), 40) AS histogram
FROM experiment_results
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND scores[{evaluator:String}] IS NOT NULL
GROUP BY from_score
ORDER BY from_score
