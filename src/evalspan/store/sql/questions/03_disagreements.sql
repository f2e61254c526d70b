-- On which records do two experiments disagree, and by how much?
WITH
    a AS (
        SELECT record_id, avg(scores[{evaluator:String}]) AS score
        FROM experiment_records
        WHERE experiment_id IN (
            SELECT experiment_id FROM experiments
            WHERE {first:String} IN (experiment, experiment_name, experiment_id)
        )
        GROUP BY record_id
    ),
    b AS (
        SELECT record_id, avg(scores[{evaluator:String}]) AS score
        FROM experiment_records
        WHERE experiment_id IN (
            SELECT experiment_id FROM experiments
            WHERE {second:String} IN (experiment, experiment_name, experiment_id)
        )
        GROUP BY record_id
    )
SELECT
    a.record_id AS record_id,
    a.score AS first_score,
    b.score AS second_score,
    second_score - first_score AS difference
FROM a
INNER JOIN b ON b.record_id = a.record_id
WHERE difference != 0
ORDER BY abs(difference) DESC, record_id
