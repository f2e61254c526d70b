CREATE DATABASE IF NOT EXISTS `evalspan` ON CLUSTER `production`

CREATE TABLE IF NOT EXISTS schema_versions_local ON CLUSTER `production` (...)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY applied_at

CREATE OR REPLACE TABLE schema_versions ON CLUSTER `production` AS schema_versions_local
ENGINE = Distributed('production', 'evalspan', 'schema_versions_local', sipHash64(version))

CREATE TABLE IF NOT EXISTS projects_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', revision)
ORDER BY project_id

CREATE OR REPLACE TABLE projects_data ON CLUSTER `production` AS projects_data_local
ENGINE = Distributed('production', 'evalspan', 'projects_data_local', sipHash64(project_id))

CREATE TABLE IF NOT EXISTS datasets_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', revision)
ORDER BY dataset_id

CREATE OR REPLACE TABLE datasets_data ON CLUSTER `production` AS datasets_data_local
ENGINE = Distributed('production', 'evalspan', 'datasets_data_local', sipHash64(dataset_id))

CREATE TABLE IF NOT EXISTS dataset_records_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', revision)
ORDER BY (dataset_id, record_id, version, change_id)

CREATE OR REPLACE TABLE dataset_records_data ON CLUSTER `production` AS dataset_records_data_local
ENGINE = Distributed('production', 'evalspan', 'dataset_records_data_local', sipHash64(dataset_id))

CREATE TABLE IF NOT EXISTS documents_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', revision)
ORDER BY (kind, parent, id)

CREATE OR REPLACE TABLE documents_data ON CLUSTER `production` AS documents_data_local
ENGINE = Distributed('production', 'evalspan', 'documents_data_local', sipHash64(id))

CREATE TABLE IF NOT EXISTS claims_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY (kind, subject, number)
SETTINGS replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000

CREATE OR REPLACE TABLE claims_data ON CLUSTER `production` AS claims_data_local
ENGINE = Distributed('production', 'evalspan', 'claims_data_local', sipHash64(subject))

CREATE TABLE IF NOT EXISTS experiments_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', revision)
ORDER BY experiment_id

CREATE OR REPLACE TABLE experiments_data ON CLUSTER `production` AS experiments_data_local
ENGINE = Distributed('production', 'evalspan', 'experiments_data_local', sipHash64(experiment_id))

CREATE TABLE IF NOT EXISTS spans_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received_at)
ORDER BY (experiment_id, trace_id, span_id)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 20

CREATE OR REPLACE TABLE spans_data ON CLUSTER `production` AS spans_data_local
ENGINE = Distributed('production', 'evalspan', 'spans_data_local', sipHash64(trace_id))

CREATE TABLE IF NOT EXISTS evaluations_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received_at)
ORDER BY (experiment_id, trace_id, span_id, name, source, run_iteration, record_id)
SETTINGS min_bytes_for_wide_part = 268435456, merge_selector_base = 20 -- as spans_data

CREATE OR REPLACE TABLE evaluations_data ON CLUSTER `production` AS evaluations_data_local
ENGINE = Distributed('production', 'evalspan', 'evaluations_data_local', sipHash64(if(trace_id = '', experiment_id, trace_id)))

CREATE TABLE IF NOT EXISTS logs_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received_at)
ORDER BY (service_name, timestamp, content_hash)
SETTINGS min_bytes_for_wide_part = 268435456 -- as spans_data

CREATE OR REPLACE TABLE logs_data ON CLUSTER `production` AS logs_data_local
ENGINE = Distributed('production', 'evalspan', 'logs_data_local', content_hash)

CREATE TABLE IF NOT EXISTS metric_points_data_local ON CLUSTER `production` (...)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received_at)
ORDER BY (metric, series_hash, timestamp)
SETTINGS min_bytes_for_wide_part = 268435456 -- as spans_data

CREATE OR REPLACE TABLE metric_points_data ON CLUSTER `production` AS metric_points_data_local
ENGINE = Distributed('production', 'evalspan', 'metric_points_data_local', series_hash)

CREATE OR REPLACE VIEW projects ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW dataset_changes ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW datasets ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW dataset_records ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW experiments ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW shared_traces ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW case_numbers ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW stated_spans ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW nested_spans ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW trace_cases ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW spans ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW span_cases ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW placed_scores ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW evaluations ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW logs ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW metric_points ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW trace_usage ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW superseded_traces ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW latest_scores ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW record_scores ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW record_means ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW cases ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW named_cases ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW used_cases ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW experiment_results ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW experiment_records ON CLUSTER `production` AS ...

CREATE OR REPLACE VIEW experiment_summary ON CLUSTER `production` AS ...
