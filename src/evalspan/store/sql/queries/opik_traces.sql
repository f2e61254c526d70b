-- Opik's traces, the newest first: those of some ids, or of a project below an id.
SELECT
    trace_id,
    attributes['evalspan.project.name'] AS project,
    attributes,
    input,
    output
FROM spans_data FINAL
WHERE experiment_id = ''
  AND (empty({traces:Array(String)}) OR trace_id IN {traces:Array(String)})
  AND ({before:String} = '' OR trace_id < {before:String})
  AND mapContains(attributes, 'opik.id')
  AND attributes['opik.id'] = attributes['opik.trace_id']
  AND ({project:String} = '' OR project = {project:String})
ORDER BY trace_id DESC
LIMIT {limit:UInt64}
SETTINGS optimize_move_to_prewhere_if_final = 1
