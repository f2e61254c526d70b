-- The scores of some traces, and those of some spans, which name no trace.
SELECT
    trace_id,
    span_id,
    name,
    score_value AS value,
    label_value AS category,
    explanation AS reason,
    attributes['opik.source'] AS given_by,
    mapContains(attributes, 'opik.assertion') AS asserted,
    formatDateTime(timestamp, '%Y-%m-%dT%H:%i:%S.%fZ') AS stored_at
FROM evaluations_data FINAL
WHERE experiment_id = ''
  AND source = 'record'
  AND (trace_id IN {traces:Array(String)} OR (trace_id = '' AND span_id IN {spans:Array(String)}))
ORDER BY trace_id, span_id, name
SETTINGS optimize_move_to_prewhere_if_final = 1
