-- Parts that ClickHouse could not read at a start and set aside: their rows are no longer found.
SELECT table, name, path, bytes_on_disk AS bytes
FROM system.detached_parts
WHERE database = currentDatabase() AND startsWith(reason, 'broken')
ORDER BY table, name
