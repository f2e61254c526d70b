-- What each table of this store takes, without reading it.
SELECT
    replaceRegexpOne(table, '_data(_local)?$', '') AS name,
    count() AS parts,
    sum(rows) AS total_rows,
    sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY name
ORDER BY name
