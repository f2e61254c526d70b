-- What is known of some of Opik's traces: their own rows and their spans', which carry no experiment.
SELECT
    trace_id,
    parent_span_id,
    evaluator,
    attributes['evalspan.project.name'] AS project,
    attributes,
    input,
    output
FROM spans_data FINAL
WHERE experiment_id = ''
  AND trace_id IN {traces:Array(String)}
  AND mapContains(attributes, 'opik.id')
SETTINGS optimize_move_to_prewhere_if_final = 1
