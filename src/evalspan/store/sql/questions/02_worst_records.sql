-- Which records did an experiment do worst on?
SELECT record_id, scores[{evaluator:String}] AS score, n[{evaluator:String}] AS runs_scored, failed_runs
FROM experiment_records
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND score IS NOT NULL
ORDER BY score, record_id
LIMIT 20
