INSERT INTO projects_data
SELECT * REPLACE (
    true AS deleted,
    now64(6) AS updated_at,
    greatest(revision + 1, toUInt64(toUnixTimestamp64Nano(now64(9)))) AS revision
)
FROM projects_data FINAL
WHERE NOT deleted AND project_id IN {ids:Array(String)}
