-- Who came first: the one thing on which several services must agree. A claim is inserted under a
-- deduplication token made of its key, so ClickHouse keeps the first and drops the rest; reading it
-- back tells each claimant who won. Beyond the window the earliest claim counts.
-- kind dataset_change: subject is a dataset, number counts its changes, owner is the change whose
-- records hold, version is the dataset version that it belongs to.
-- kind experiment_name: subject is project and name, owner is the experiment that bears the name.
-- kind prompt_slug, evaluator_slug: subject is project and slug, owner is the document that bears it.
-- kind prompt_version, evaluator_version: subject is a document, number is that of the version.
-- kind job_lease: subject is an experiment that the service runs, number counts who held it, owner is a service.
CREATE TABLE IF NOT EXISTS claims_data
(
    kind       LowCardinality(String),
    subject    String,
    number     UInt64,
    owner      String,
    version    Int64,
    claimed_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (kind, subject, number)
SETTINGS non_replicated_deduplication_window = 100000
