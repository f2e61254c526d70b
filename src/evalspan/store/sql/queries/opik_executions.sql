-- The items of some experiments, whether their traces have come or not.
SELECT
    experiment_id,
    record_id,
    attributes['opik.experiment_item.id'] AS id,
    attributes['opik.trace_id'] AS trace
FROM spans_data FINAL
WHERE experiment_id IN {experiments:Array(String)}
  AND mapContains(attributes, 'opik.experiment_item.id')
ORDER BY record_id DESC, experiment_id, trace
SETTINGS optimize_move_to_prewhere_if_final = 1
