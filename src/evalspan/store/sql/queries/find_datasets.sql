SELECT
    d.dataset_id AS dataset_id,
    d.project_id AS project_id,
    d.name AS name,
    d.description AS description,
    d.metadata AS metadata,
    greatest(d.current_version, c.version) AS current_version,
    d.created_at AS created_at,
    greatest(d.updated_at, c.changed_at) AS updated_at,
    c.changes AS changes,
    d.revision AS revision
FROM
(
    SELECT *
    FROM datasets_data FINAL
    WHERE NOT deleted
      AND ({dataset_id:String} = '' OR dataset_id = {dataset_id:String})
      AND ({project_id:String} = '' OR project_id = {project_id:String})
      AND ({name:String} = '' OR name = {name:String})
      AND (created_at, dataset_id) < ({before:DateTime64(6, 'UTC')}, {before_id:String})
    ORDER BY created_at DESC, dataset_id DESC
    LIMIT {limit:UInt64}
) AS d
LEFT ANY JOIN
(
    SELECT dataset_id, max(version) AS version, max(number) AS changes, max(changed_at) AS changed_at
    FROM dataset_changes
    WHERE {dataset_id:String} = '' OR dataset_id = {dataset_id:String}
    GROUP BY dataset_id
) AS c ON c.dataset_id = d.dataset_id
ORDER BY created_at DESC, dataset_id DESC
