-- Immutable span rows; every view of spans, results and usage reads this one table, so that a
-- request is either wholly visible or not at all.
-- experiment_id is what the span itself states ('' when it states none): together with the ids it
-- never changes between two sendings of one span, so replacement is exact.
-- A block of 10,000 spans is above the 10 MiB at which a part would be made of a file per stream, some
-- 300 of them: a compact part took 16 us of CPU a span instead of 29, and its merge 6 instead of 20.
-- Maps and seldom grouped names are plain text: dictionaries took another 5 us a span, for 10 % of disk.
-- Parts are merged when they are many of a size (base 20 instead of 5): under load each row was merged
-- 2.5 times at 22 us, and is 0.8 times, of 75 us of CPU that a span takes the engine in small blocks.
-- The experiment leads the key because people ask by experiment: over 20 million spans one
-- experiment is aggregated in 22 ms; the bloom filter serves the look-up of one trace.
CREATE TABLE IF NOT EXISTS spans_data
(
    experiment_id            String CODEC(ZSTD(1)),
    trace_id                 String CODEC(ZSTD(1)),
    span_id                  String CODEC(ZSTD(1)),
    parent_span_id           String CODEC(ZSTD(1)),
    trace_state              String CODEC(ZSTD(1)),
    flags                    UInt32,
    run_id                   String CODEC(ZSTD(1)),
    run_iteration            UInt32,
    record_id                String CODEC(ZSTD(1)),
    project                  LowCardinality(String),
    experiment               LowCardinality(String),
    dataset_id               String CODEC(ZSTD(1)),
    dataset                  String CODEC(ZSTD(1)),
    dataset_version          Nullable(Int64),
    name                     LowCardinality(String),
    kind                     LowCardinality(String),
    span_type                LowCardinality(String),
    evaluator                LowCardinality(String),
    service_name             LowCardinality(String),
    scope_name               String CODEC(ZSTD(1)),
    scope_version            String CODEC(ZSTD(1)),
    dialect                  LowCardinality(String),
    start_time               DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_ns              UInt64 CODEC(ZSTD(1)),
    status                   LowCardinality(String),
    status_message           String CODEC(ZSTD(1)),
    error_type               LowCardinality(String),
    provider                 LowCardinality(String),
    request_model            LowCardinality(String),
    response_model           LowCardinality(String),
    response_id              String CODEC(ZSTD(1)),
    finish_reasons           Array(String),
    input_tokens             Nullable(UInt64),
    output_tokens            Nullable(UInt64),
    total_tokens             Nullable(UInt64),
    cache_read_tokens        Nullable(UInt64),
    cache_write_tokens       Nullable(UInt64),
    reasoning_tokens         Nullable(UInt64),
    cost_usd                 Nullable(Decimal(18, 12)),
    cost_source              LowCardinality(String),
    time_to_first_token      Nullable(Float64),
    session_id               String CODEC(ZSTD(1)),
    user_id                  String CODEC(ZSTD(1)),
    -- ZSTD(3) on the long texts only: they are most of the bytes and rarely read.
    input                    String CODEC(ZSTD(3)),
    output                   String CODEC(ZSTD(3)),
    expected_output          String CODEC(ZSTD(3)),
    metadata                 Map(String, String) CODEC(ZSTD(1)),
    experiment_metadata      Map(String, String) CODEC(ZSTD(1)),
    tags                     Array(String) CODEC(ZSTD(1)),
    attributes               Map(String, String) CODEC(ZSTD(1)),
    attribute_types          Map(String, String) CODEC(ZSTD(1)),
    scope_attributes         Map(String, String) CODEC(ZSTD(1)),
    scope_attribute_types    Map(String, String) CODEC(ZSTD(1)),
    resource_attributes      Map(String, String) CODEC(ZSTD(1)),
    resource_attribute_types Map(String, String) CODEC(ZSTD(1)),
    events                   Array(Tuple(time DateTime64(9, 'UTC'), name String, attributes Map(String, String), attribute_types Map(String, String), dropped_attributes UInt32)) CODEC(ZSTD(1)),
    links                    Array(Tuple(trace_id String, span_id String, trace_state String, flags UInt32, attributes Map(String, String), attribute_types Map(String, String), dropped_attributes UInt32)) CODEC(ZSTD(1)),
    dropped_attributes       UInt32,
    dropped_events           UInt32,
    dropped_links            UInt32,
    received_at              DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (experiment_id, trace_id, span_id)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 20
