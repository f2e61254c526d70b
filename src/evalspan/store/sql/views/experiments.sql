CREATE OR REPLACE VIEW experiments AS
SELECT
    experiment_id,
    experiment,
    experiment_name,
    project_id,
    project,
    dataset_id,
    dataset,
    dataset_version,
    description,
    metadata,
    metadata_map,
    config,
    tags,
    run_count,
    expected_records,
    status,
    error,
    parent_experiment_id,
    created_at,
    updated_at
FROM experiments_data FINAL
WHERE NOT deleted
