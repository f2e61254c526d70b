-- Which records of its dataset did an experiment never run, and in which iteration?
WITH expected AS (
    SELECT
        e.experiment_id AS experiment_id,
        r.record_id AS record_id,
        arrayJoin(range(1, toUInt32(e.run_count + 1))) AS run_iteration
    FROM experiments AS e
    INNER JOIN dataset_records AS r ON r.dataset_id = e.dataset_id
    WHERE {experiment:String} IN (e.experiment, e.experiment_name, e.experiment_id)
        AND (e.dataset_version IS NULL AND r.is_current
            OR r.version <= e.dataset_version AND (r.until_version IS NULL OR r.until_version > e.dataset_version))
)
SELECT experiment_id, record_id, run_iteration
FROM expected
WHERE (experiment_id, record_id, run_iteration) NOT IN (
    SELECT experiment_id, record_id, run_iteration
    FROM experiment_results
    WHERE experiment_id IN (
        SELECT experiment_id FROM experiments
        WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
    )
)
ORDER BY experiment_id, record_id, run_iteration
