-- Scores as they stand, the newest first.
SELECT
    trace_id, span_id, name, experiment_id, type, score_value, label_value, json_value, explanation, assessment,
    evaluator_id, evaluator_type, evaluator_version, error, error_type, metadata, tags, timestamp
FROM evaluations
WHERE source = 'record'
  AND ({trace_id:String} = '' OR trace_id = {trace_id:String})
ORDER BY timestamp DESC, trace_id, span_id, name
LIMIT {limit:UInt64}
