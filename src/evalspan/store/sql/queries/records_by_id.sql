-- One version of a dataset in the descending order of its records' ids, from below an id ('' is the end)
-- or from a place in that order. A key of a record is asked for by the sort key.
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
  AND ({before:String} = '' OR r.record_id < {before:String})
  AND r.change_id IN (SELECT change_id FROM dataset_changes WHERE dataset_id = {dataset_id:String})
GROUP BY r.record_id
HAVING NOT argMax(r.removed, (r.version, r.revision))
ORDER BY record_id DESC
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
