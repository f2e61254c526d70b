-- Newest batch first, and within a batch the order in which it was sent.
SELECT
    r.record_id AS record_id,
    argMax(r.input, r.version) AS input,
    argMax(r.expected_output, r.version) AS expected_output,
    argMax(r.metadata, r.version) AS metadata,
    argMax(r.tags, r.version) AS tags,
    argMax(r.position, r.version) AS position,
    argMax(r.created_at, r.version) AS created_at,
    argMax(r.updated_at, r.version) AS updated_at,
    max(r.version) AS version
FROM dataset_records_data AS r FINAL
WHERE r.dataset_id = {dataset_id:String} AND r.version <= {version:Int64}
GROUP BY r.record_id
HAVING NOT argMax(r.removed, r.version)
   AND hasAll(tags, {tags:Array(String)})
   AND ({record_id:String} = '' OR record_id = {record_id:String})
   AND (-toUnixTimestamp64Micro(created_at), position, record_id)
       > ({after_time:Int64}, {after_position:UInt64}, {after_id:String})
ORDER BY -toUnixTimestamp64Micro(created_at), position, record_id
LIMIT {limit:UInt64}
