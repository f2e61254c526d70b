-- The latest score of each evaluator on each execution of an experiment.
SELECT
    trace_id,
    name,
    argMax(
        (type, score_value, label_value, json_value, explanation, assessment, evaluator_id, evaluator_type,
         evaluator_version, error, error_type, metadata, tags, span_id, timestamp),
        (timestamp, received_at, span_id)
    ) AS latest
FROM evaluations
WHERE experiment_id = {experiment_id:String}
  AND source = 'record'
  AND (empty({trace_ids:Array(String)}) OR trace_id IN {trace_ids:Array(String)})
GROUP BY trace_id, name
ORDER BY trace_id, name
