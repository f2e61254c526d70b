-- One row per record and dataset version in which it was added, changed or removed: version N of a
-- dataset is, for each record, its last row with version <= N, unless that row says removed.
-- Rows count once the change that wrote them is claimed (claims_data): of two writers of one version
-- only one is, and what a killed writer left behind never counts. Within a version the higher
-- revision is the later one.
CREATE TABLE IF NOT EXISTS dataset_records_data
(
    dataset_id      String,
    record_id       String,
    version         Int64,
    input           String CODEC(ZSTD(3)),
    expected_output String CODEC(ZSTD(3)),
    metadata        String CODEC(ZSTD(1)),
    tags            Array(String),
    content_hash    String,
    position        UInt64,
    removed         Bool,
    created_at      DateTime64(6, 'UTC'),
    updated_at      DateTime64(6, 'UTC'),
    revision        UInt64,
    change_id       String
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (dataset_id, record_id, version, change_id)
