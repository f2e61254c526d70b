-- Newest batch first, and within a batch the order in which it was sent.
SELECT
    r.record_id AS record_id,
    argMax(r.input, (r.version, r.revision)) AS input,
    argMax(r.expected_output, (r.version, r.revision)) AS expected_output,
    argMax(r.metadata, (r.version, r.revision)) AS metadata,
    argMax(r.tags, (r.version, r.revision)) AS tags,
    argMax(r.position, (r.version, r.revision)) AS position,
    argMax(r.created_at, (r.version, r.revision)) AS created_at,
    argMax(r.updated_at, (r.version, r.revision)) AS updated_at,
    max(r.version) AS version
FROM dataset_records_data AS r FINAL
WHERE r.dataset_id = {dataset_id:String}
  AND r.version <= {version:Int64}
  AND r.change_id IN (
    SELECT change_id FROM dataset_changes WHERE dataset_id = {dataset_id:String} AND number <= {changes:UInt64}
  )
  AND (empty({record_ids:Array(String)}) OR r.record_id IN {record_ids:Array(String)})
GROUP BY r.record_id
HAVING NOT argMax(r.removed, (r.version, r.revision))
   AND hasAll(tags, {tags:Array(String)})
   AND (-toUnixTimestamp64Micro(created_at), position, record_id)
       > ({after_time:Int64}, {after_position:UInt64}, {after_id:String})
ORDER BY -toUnixTimestamp64Micro(created_at), position, record_id
LIMIT {limit:UInt64}
