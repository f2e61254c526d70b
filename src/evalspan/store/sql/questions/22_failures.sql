-- Which errors ended executions, and how many?
SELECT error_type, error, count() AS executions, arraySort(groupUniqArray(5)(record_id)) AS some_records
FROM experiment_results
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND status = 'error'
GROUP BY error_type, error
ORDER BY executions DESC, error_type, error
