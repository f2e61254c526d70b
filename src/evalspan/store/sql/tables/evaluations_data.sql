-- One row per score. The key is what identifies a score and nothing that a later sending could
-- change; the last one received wins. The record stands in it for scores that carry no trace.
CREATE TABLE IF NOT EXISTS evaluations_data
(
    experiment_id     String CODEC(ZSTD(1)),
    trace_id          String CODEC(ZSTD(1)),
    span_id           String CODEC(ZSTD(1)),
    name              LowCardinality(String),
    source            LowCardinality(String),
    run_iteration     UInt32,
    run_id            String CODEC(ZSTD(1)),
    record_id         String CODEC(ZSTD(1)),
    project           LowCardinality(String),
    type              LowCardinality(String),
    score_value       Nullable(Float64),
    label_value       Nullable(String) CODEC(ZSTD(1)),
    json_value        Nullable(String) CODEC(ZSTD(1)),
    explanation       String CODEC(ZSTD(3)),
    assessment        LowCardinality(String),
    evaluator_id      LowCardinality(String),
    evaluator_type    LowCardinality(String),
    evaluator_version LowCardinality(String),
    error             String CODEC(ZSTD(1)),
    error_type        LowCardinality(String),
    response_id       String CODEC(ZSTD(1)),
    metadata          Map(String, String) CODEC(ZSTD(1)),
    tags              Map(String, String) CODEC(ZSTD(1)),
    service_name      LowCardinality(String),
    attributes        Map(String, String) CODEC(ZSTD(1)),
    attribute_types   Map(String, String) CODEC(ZSTD(1)),
    timestamp         DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at       DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (experiment_id, trace_id, span_id, name, source, run_iteration, record_id)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 20 -- as spans_data
