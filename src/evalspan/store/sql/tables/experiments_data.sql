-- Revision 0 is what the ingest learned from spans alone, so whatever the API says wins over it.
CREATE TABLE IF NOT EXISTS experiments_data
(
    experiment_id        String,
    project_id           String,
    dataset_id           String,
    dataset_version      Nullable(Int64),
    project              String,
    dataset              String,
    experiment           String,
    experiment_name      String,
    description          String,
    metadata             String,
    metadata_map         Map(String, String),
    config               String,
    tags                 Array(String),
    run_count            UInt32,
    expected_records     Nullable(UInt64),
    status               LowCardinality(String),
    error                String,
    parent_experiment_id String,
    created_at           DateTime64(6, 'UTC'),
    updated_at           DateTime64(6, 'UTC'),
    deleted              Bool,
    revision             UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY experiment_id
