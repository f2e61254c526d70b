-- Where records of these ids live: one row per dataset that holds or held one, with what it said last.
-- `removed_at` is when it went, where it did.
SELECT
    r.dataset_id AS dataset_id,
    any(d.name) AS dataset,
    any(d.project_id) AS project_id,
    r.record_id AS record_id,
    argMaxIf(r.input, (r.version, r.revision), NOT r.removed) AS input,
    argMaxIf(r.expected_output, (r.version, r.revision), NOT r.removed) AS expected_output,
    argMaxIf(r.metadata, (r.version, r.revision), NOT r.removed) AS metadata,
    argMaxIf(r.tags, (r.version, r.revision), NOT r.removed) AS tags,
    argMaxIf(r.created_at, (r.version, r.revision), NOT r.removed) AS created_at,
    argMaxIf(r.updated_at, (r.version, r.revision), NOT r.removed) AS updated_at,
    maxIf(r.version, NOT r.removed) AS version,
    if(argMax(r.removed, (r.version, r.revision)), argMax(toNullable(r.updated_at), (r.version, r.revision)), NULL) AS removed_at
FROM dataset_records_data AS r FINAL
INNER JOIN (SELECT dataset_id, name, project_id FROM datasets_data FINAL WHERE NOT deleted) AS d
    ON d.dataset_id = r.dataset_id
WHERE r.record_id IN {record_ids:Array(String)}
  AND (r.change_id = '' OR r.change_id IN (
    SELECT change_id FROM dataset_changes WHERE dataset_id IN (
        SELECT dataset_id FROM dataset_records_data WHERE record_id IN {record_ids:Array(String)}
    )
  ))
GROUP BY r.dataset_id, r.record_id
ORDER BY r.dataset_id, r.record_id
