-- One row per version of a dataset, the newest first: what changed in it and how many records it holds.
-- A version that took nothing but metadata of records counts them as modified.
SELECT
    version,
    min(at) AS created_at,
    countIf(NOT gone AND was_gone) AS added,
    countIf(NOT gone AND NOT was_gone) AS modified,
    countIf(gone AND NOT was_gone) AS deleted,
    sum(added - deleted) OVER (ORDER BY version) AS total
FROM
(
    SELECT
        record_id,
        version,
        gone,
        at,
        lagInFrame(gone, 1, true) OVER (
            PARTITION BY record_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS was_gone
    FROM
    (
        SELECT
            r.record_id AS record_id,
            r.version AS version,
            argMax(r.removed, r.revision) AS gone,
            max(r.updated_at) AS at
        FROM dataset_records_data AS r FINAL
        WHERE r.dataset_id = {dataset_id:String}
          AND r.change_id IN (SELECT change_id FROM dataset_changes WHERE dataset_id = {dataset_id:String})
        GROUP BY r.record_id, r.version
    )
)
GROUP BY version
ORDER BY version DESC
