-- Which questions did only the smaller model solve (at least once, the larger never)?
WITH
    small AS (
        SELECT record_id, avg(scores[{evaluator:String}]) AS score
        FROM experiment_records
        WHERE experiment_id IN (
            SELECT experiment_id FROM experiments
            WHERE {smaller:String} IN (experiment, experiment_name, experiment_id)
        )
        GROUP BY record_id
    ),
    large AS (
        SELECT record_id, avg(scores[{evaluator:String}]) AS score
        FROM experiment_records
        WHERE experiment_id IN (
            SELECT experiment_id FROM experiments
            WHERE {larger:String} IN (experiment, experiment_name, experiment_id)
        )
        GROUP BY record_id
    )
SELECT small.record_id AS record_id, small.score AS smaller_score
FROM small
INNER JOIN large ON large.record_id = small.record_id
WHERE small.score > 0 AND large.score = 0
ORDER BY smaller_score DESC, record_id
