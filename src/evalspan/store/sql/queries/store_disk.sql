-- The free space of the fullest disk that ClickHouse writes to; object stores have no bound.
SELECT min(unreserved_space) AS available FROM system.disks WHERE type = 'Local' HAVING count() > 0
