-- What is in the WHERE is the table's: the bare name would be the replaced one.
INSERT INTO experiments_data
SELECT * REPLACE (
    true AS deleted,
    now64(6) AS updated_at,
    greatest(t.revision + 1, toUInt64(toUnixTimestamp64Nano(now64(9)))) AS revision
)
FROM experiments_data AS t FINAL
WHERE NOT t.deleted AND (t.experiment_id IN {ids:Array(String)} OR t.project_id IN {project_ids:Array(String)})
