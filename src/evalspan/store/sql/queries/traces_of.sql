-- The traces that only these experiments have spans in.
SELECT trace_id
FROM spans_data
WHERE trace_id IN (SELECT trace_id FROM spans_data WHERE experiment_id IN {ids:Array(String)})
  AND experiment_id != ''
GROUP BY trace_id
HAVING countIf(experiment_id NOT IN {ids:Array(String)}) = 0
