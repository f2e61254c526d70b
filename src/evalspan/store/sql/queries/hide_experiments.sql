-- As deleted, the time of the last change left as it was: what a killed sweep left is found by it.
INSERT INTO experiments_data
SELECT * REPLACE (
    true AS deleted,
    greatest(t.revision + 1, toUInt64(toUnixTimestamp64Nano(now64(9)))) AS revision
)
FROM experiments_data AS t FINAL
WHERE NOT t.deleted AND t.experiment_id IN {ids:Array(String)}
