-- Opik's spans, the newest first: one of an id, those of a trace, or those of a project.
SELECT
    trace_id,
    attributes['evalspan.project.name'] AS project,
    attributes,
    input,
    output,
    total_tokens,
    toFloat64(cost_usd) AS cost
FROM spans_data FINAL
WHERE experiment_id = ''
  AND ({trace:String} = '' OR trace_id = {trace:String})
  AND ({span:String} = '' OR span_id = {span:String})
  AND mapContains(attributes, 'opik.id')
  AND attributes['opik.id'] != attributes['opik.trace_id']
  AND ({project:String} = '' OR project = {project:String})
  AND ({before:String} = '' OR attributes['opik.id'] < {before:String})
ORDER BY attributes['opik.id'] DESC
LIMIT {limit:UInt64}
SETTINGS optimize_move_to_prewhere_if_final = 1
