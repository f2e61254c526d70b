-- The oldest first: a later score of the same name takes its place.
SELECT
    record_id, run_iteration, trace_id, name, type, score_value, label_value, json_value, explanation,
    assessment, error, error_type, tags, metadata
FROM evaluations
WHERE experiment_id = {experiment_id:String} AND source = 'record'
ORDER BY timestamp
