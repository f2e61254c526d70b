-- Log records that are not scores. A log record has no identity of its own in OTLP: a hash of its
-- content stands in, so that a resent record is one record.
CREATE TABLE IF NOT EXISTS logs_data
(
    service_name             LowCardinality(String),
    timestamp                DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    content_hash             UInt64,
    observed_time            DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id                 String CODEC(ZSTD(1)),
    span_id                  String CODEC(ZSTD(1)),
    flags                    UInt32,
    severity_number          UInt8,
    severity_text            LowCardinality(String),
    event_name               LowCardinality(String),
    body                     String CODEC(ZSTD(3)),
    body_type                LowCardinality(String),
    scope_name               LowCardinality(String),
    scope_version            LowCardinality(String),
    attributes               Map(String, String) CODEC(ZSTD(1)),
    attribute_types          Map(String, String) CODEC(ZSTD(1)),
    resource_attributes      Map(String, String) CODEC(ZSTD(1)),
    resource_attribute_types Map(String, String) CODEC(ZSTD(1)),
    dropped_attributes       UInt32,
    received_at              DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (service_name, timestamp, content_hash)
SETTINGS min_bytes_for_wide_part = 268435456 -- as spans_data
