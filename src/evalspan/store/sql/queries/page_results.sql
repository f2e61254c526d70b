SELECT
    record_id,
    run_iteration,
    substringUTF8(input, 1, 400) AS input,
    substringUTF8(output, 1, 400) AS output,
    error,
    scores,
    labels
FROM experiment_results
WHERE experiment_id = {experiment_id:String}
ORDER BY record_id, run_iteration
LIMIT 100
