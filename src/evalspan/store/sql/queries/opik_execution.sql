-- One item, wherever it is.
SELECT
    experiment_id,
    record_id,
    attributes['opik.experiment_item.id'] AS id,
    attributes['opik.trace_id'] AS trace
FROM spans_data FINAL
WHERE experiment_id != '' AND mapContains(attributes, 'opik.experiment_item.id')
  AND attributes['opik.experiment_item.id'] IN {ids:Array(String)}
