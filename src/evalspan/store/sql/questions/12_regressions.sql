-- Which records got worse from one experiment to another?
WITH
    before AS (
        SELECT record_id, avg(scores[{evaluator:String}]) AS score
        FROM experiment_records
        WHERE experiment_id IN (
            SELECT experiment_id FROM experiments
            WHERE {baseline:String} IN (experiment, experiment_name, experiment_id)
        )
        GROUP BY record_id
    ),
    after AS (
        SELECT record_id, avg(scores[{evaluator:String}]) AS score
        FROM experiment_records
        WHERE experiment_id IN (
            SELECT experiment_id FROM experiments
            WHERE {candidate:String} IN (experiment, experiment_name, experiment_id)
        )
        GROUP BY record_id
    )
SELECT before.record_id AS record_id, before.score AS baseline_score, after.score AS candidate_score
FROM before
INNER JOIN after ON after.record_id = before.record_id
WHERE candidate_score < baseline_score
ORDER BY candidate_score - baseline_score, record_id
