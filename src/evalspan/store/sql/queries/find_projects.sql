SELECT project_id, name, description, created_at, updated_at, revision
FROM projects_data FINAL
WHERE NOT deleted
  AND ({project_id:String} = '' OR project_id = {project_id:String})
  AND ({name:String} = '' OR name = {name:String})
  AND (created_at, project_id) < ({before:DateTime64(6, 'UTC')}, {before_id:String})
ORDER BY created_at DESC, project_id DESC
LIMIT {limit:UInt64}
