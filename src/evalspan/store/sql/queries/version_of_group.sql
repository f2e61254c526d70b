-- Whether a change of this group made up the version; its name stands at the end of the change's id.
SELECT count() > 0 AS of_group
FROM dataset_changes
WHERE dataset_id = {dataset_id:String}
  AND version = {version:Int64}
  AND endsWith(change_id, concat('@', {group:String}))
