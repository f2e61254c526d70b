-- One row per OTLP metric data point, of every kind; fields that a kind does not have are NULL or
-- empty. The series is hashed (resource, scope, attributes), so a resent point is one point.
CREATE TABLE IF NOT EXISTS metric_points_data
(
    metric                   LowCardinality(String),
    series_hash              UInt64,
    timestamp                DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    start_time               DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    type                     LowCardinality(String),
    unit                     LowCardinality(String),
    description              LowCardinality(String),
    temporality              LowCardinality(String),
    monotonic                Bool,
    service_name             LowCardinality(String),
    scope_name               LowCardinality(String),
    scope_version            LowCardinality(String),
    value_double             Nullable(Float64),
    value_int                Nullable(Int64),
    count                    Nullable(UInt64),
    sum                      Nullable(Float64),
    min                      Nullable(Float64),
    max                      Nullable(Float64),
    bucket_counts            Array(UInt64),
    explicit_bounds          Array(Float64),
    scale                    Nullable(Int32),
    zero_count               Nullable(UInt64),
    zero_threshold           Nullable(Float64),
    positive_offset          Nullable(Int32),
    positive_bucket_counts   Array(UInt64),
    negative_offset          Nullable(Int32),
    negative_bucket_counts   Array(UInt64),
    quantiles                Array(Tuple(quantile Float64, value Float64)),
    exemplars                String CODEC(ZSTD(1)),
    flags                    UInt32,
    attributes               Map(String, String) CODEC(ZSTD(1)),
    attribute_types          Map(String, String) CODEC(ZSTD(1)),
    resource_attributes      Map(String, String) CODEC(ZSTD(1)),
    resource_attribute_types Map(String, String) CODEC(ZSTD(1)),
    received_at              DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (metric, series_hash, timestamp)
SETTINGS min_bytes_for_wide_part = 268435456 -- as spans_data
