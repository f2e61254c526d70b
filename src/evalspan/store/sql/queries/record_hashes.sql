-- What a dataset holds at its current version, without the texts.
SELECT
    record_id,
    argMax(content_hash, version) AS content_hash,
    argMax(created_at, version) AS created_at,
    argMax(position, version) AS position
FROM dataset_records_data FINAL
WHERE dataset_id = {dataset_id:String} AND version <= {version:Int64}
GROUP BY record_id
HAVING NOT argMax(removed, version)
