-- Where one evaluator scored one (experiment, record, run_iteration) more than once, the latest
-- score counts; the view evaluations has them all. Summary scores have record_id ''.
-- A score of an earlier execution of a case that ran again does not count.
CREATE OR REPLACE VIEW latest_scores AS
SELECT
    v.experiment_id AS experiment_id,
    v.source AS source,
    v.record_id AS record_id,
    v.run_iteration AS run_iteration,
    v.name AS name,
    argMax(tuple(v.type, v.score_value, v.label_value, if(v.error = '', v.error_type, v.error)), (v.timestamp, v.received_at, v.trace_id, v.span_id)) AS latest,
    latest.1 AS type,
    latest.2 AS score,
    latest.3 AS label,
    latest.4 AS failure
FROM placed_scores AS v
LEFT ANTI JOIN superseded_traces AS o
    ON o.experiment_id = v.experiment_id
    AND o.record_id = v.record_id
    AND o.run_iteration = v.run_iteration
    AND o.trace_id = v.trace_id
WHERE v.experiment_id NOT IN (SELECT experiment_id FROM experiments_data FINAL WHERE deleted)
GROUP BY v.experiment_id, v.source, v.record_id, v.run_iteration, v.name
