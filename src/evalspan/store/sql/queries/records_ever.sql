-- Which of these records were ever in the dataset.
SELECT DISTINCT record_id
FROM dataset_records_data
WHERE dataset_id = {dataset_id:String}
  AND record_id IN {ids:Array(String)}
  AND change_id IN (SELECT change_id FROM dataset_changes WHERE dataset_id = {dataset_id:String})
