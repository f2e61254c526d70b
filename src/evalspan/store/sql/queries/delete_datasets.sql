INSERT INTO datasets_data
SELECT * REPLACE (
    true AS deleted,
    now64(6) AS updated_at,
    greatest(revision + 1, toUInt64(toUnixTimestamp64Nano(now64(9)))) AS revision
)
FROM datasets_data FINAL
WHERE NOT deleted AND (dataset_id IN {ids:Array(String)} OR project_id IN {project_ids:Array(String)})
