-- The span that a score of a log is about: the case of a trace, else its root; or the span of that id.
SELECT experiment_id, run_id, run_iteration, record_id, trace_id, span_id
FROM spans
WHERE if({whole:Bool}, trace_id = {log_id:String}, span_id = {log_id:String})
ORDER BY span_type = 'CASE' DESC, parent_span_id = '' DESC, start_time
LIMIT 1
