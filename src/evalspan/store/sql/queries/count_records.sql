-- How many records datasets have now.
SELECT dataset_id, count() AS n
FROM dataset_records
WHERE is_current AND dataset_id IN {ids:Array(String)}
GROUP BY dataset_id
