-- Where does the time go: the slowest spans of an experiment?
SELECT name, span_type, round(duration_ns / 1e6, 3) AS ms, record_id, run_iteration, trace_id, span_id
FROM spans
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
ORDER BY duration_ns DESC, span_id
LIMIT 20
