SELECT dataset_id, project_id, name, description, metadata, current_version, created_at, updated_at, revision
FROM datasets_data FINAL
WHERE NOT deleted
  AND ({dataset_id:String} = '' OR dataset_id = {dataset_id:String})
  AND ({project_id:String} = '' OR project_id = {project_id:String})
  AND ({name:String} = '' OR name = {name:String})
  AND (created_at, dataset_id) < ({before:DateTime64(6, 'UTC')}, {before_id:String})
ORDER BY created_at DESC, dataset_id DESC
LIMIT {limit:UInt64}
