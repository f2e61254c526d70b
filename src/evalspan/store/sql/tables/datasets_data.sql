CREATE TABLE IF NOT EXISTS datasets_data
(
    dataset_id      String,
    project_id      String,
    name            String,
    description     String,
    metadata        String,
    current_version Int64,
    created_at      DateTime64(6, 'UTC'),
    updated_at      DateTime64(6, 'UTC'),
    deleted         Bool,
    revision        UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY dataset_id
