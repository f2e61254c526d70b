-- Whatever is small, changes whole and has no table of its own: prompts, evaluators, comments, what one
-- vendor's entity has beyond ours. The body is JSON; each change is a row with a higher revision.
CREATE TABLE IF NOT EXISTS documents_data
(
    kind       LowCardinality(String),
    parent     String,
    id         String,
    project_id String,
    name       String,
    body       String CODEC(ZSTD(1)),
    created_at DateTime64(6, 'UTC'),
    updated_at DateTime64(6, 'UTC'),
    deleted    Bool,
    revision   UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (kind, parent, id)
