-- One row per record and span of versions in which it read so. The records of version 3 are
-- those WHERE version <= 3 AND (until_version IS NULL OR until_version > 3).
CREATE OR REPLACE VIEW dataset_records AS
SELECT
    r.dataset_id AS dataset_id,
    d.name AS dataset,
    r.record_id AS record_id,
    r.version AS version,
    r.until_version AS until_version,
    r.until_version IS NULL AS is_current,
    r.input AS input,
    r.expected_output AS expected_output,
    r.metadata AS metadata,
    r.tags AS tags,
    r.position AS position,
    r.created_at AS created_at,
    r.updated_at AS updated_at
FROM
(
    SELECT
        *,
        leadInFrame(toNullable(version)) OVER (
            PARTITION BY dataset_id, record_id ORDER BY version ASC, revision ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS until_version
    FROM dataset_records_data FINAL
    WHERE change_id = '' OR change_id IN (SELECT change_id FROM dataset_changes)
) AS r
INNER JOIN (SELECT dataset_id, name FROM datasets_data FINAL WHERE NOT deleted) AS d ON d.dataset_id = r.dataset_id
WHERE NOT r.removed AND r.until_version IS DISTINCT FROM r.version
