-- Where one evaluator scored one (experiment, record, run_iteration) more than once, the latest
-- score counts; the view evaluations has them all. Summary scores have record_id ''.
CREATE OR REPLACE VIEW latest_scores AS
SELECT
    experiment_id,
    source,
    record_id,
    run_iteration,
    name,
    argMax(tuple(v.type, v.score_value, v.label_value, if(v.error = '', v.error_type, v.error)), (v.timestamp, v.received_at)) AS latest,
    latest.1 AS type,
    latest.2 AS score,
    latest.3 AS label,
    latest.4 AS failure
FROM evaluations AS v
WHERE experiment_id != ''
GROUP BY experiment_id, source, record_id, run_iteration, name
