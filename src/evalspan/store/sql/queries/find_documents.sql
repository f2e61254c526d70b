-- A NULL asks for anything; of the ids and names, an empty list does.
SELECT kind, parent, id, project_id, name, body, created_at, updated_at, revision
FROM documents_data FINAL
WHERE NOT deleted
  AND kind = {kind:String}
  AND ({parent:Nullable(String)} IS NULL OR parent = {parent:Nullable(String)})
  AND ({project_id:Nullable(String)} IS NULL OR project_id = {project_id:Nullable(String)})
  AND (empty({names:Array(String)}) OR name IN {names:Array(String)})
  AND (empty({ids:Array(String)}) OR id IN {ids:Array(String)})
ORDER BY created_at, id
