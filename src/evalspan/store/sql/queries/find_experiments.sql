SELECT
    experiment_id, project_id, dataset_id, dataset_version, project, dataset, experiment, experiment_name,
    description, metadata, config, tags, run_count, expected_records, status, error, parent_experiment_id,
    created_at, updated_at, revision
FROM experiments_data FINAL
WHERE NOT deleted
  AND (empty({ids:Array(String)}) OR experiment_id IN {ids:Array(String)})
  AND ({project_id:String} = '' OR project_id = {project_id:String})
  AND ({dataset_id:String} = '' OR dataset_id = {dataset_id:String})
  AND ({experiment:String} = '' OR experiment = {experiment:String})
  AND ({name:String} = '' OR experiment_name = {name:String})
  AND (created_at, experiment_id) < ({before:DateTime64(6, 'UTC')}, {before_id:String})
ORDER BY created_at DESC, experiment_id DESC
LIMIT {limit:UInt64}
