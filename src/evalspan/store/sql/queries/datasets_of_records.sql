-- In which datasets these records are or were.
SELECT DISTINCT r.record_id AS record_id, r.dataset_id AS dataset_id
FROM dataset_records_data AS r
WHERE r.record_id IN {ids:Array(String)}
  AND r.change_id IN (SELECT change_id FROM dataset_changes)
ORDER BY record_id, dataset_id
