-- What a dataset holds after a number of changes, without the texts.
SELECT
    record_id,
    argMax(content_hash, (version, revision)) AS content_hash,
    argMax(created_at, (version, revision)) AS created_at,
    argMax(position, (version, revision)) AS position
FROM dataset_records_data FINAL
WHERE dataset_id = {dataset_id:String}
  AND change_id IN (
    SELECT change_id FROM dataset_changes WHERE dataset_id = {dataset_id:String} AND number <= {changes:UInt64}
  )
GROUP BY record_id
HAVING NOT argMax(removed, (version, revision))
