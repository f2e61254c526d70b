-- Entities are small and change: each change is a row with a higher revision.
CREATE TABLE IF NOT EXISTS projects_data
(
    project_id  String,
    name        String,
    description String,
    created_at  DateTime64(6, 'UTC'),
    updated_at  DateTime64(6, 'UTC'),
    deleted     Bool,
    revision    UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY project_id
