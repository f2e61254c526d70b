-- The scores of experiments: as evaluations, without those of none.
CREATE OR REPLACE VIEW placed_scores AS
SELECT
    experiment_id, run_id, run_iteration, record_id, trace_id, span_id, name, source, type, score_value,
    label_value, json_value, explanation, assessment, evaluator_id, evaluator_type, evaluator_version,
    error, error_type, response_id, metadata, tags, service_name, attributes, attribute_types, timestamp,
    received_at
FROM evaluations_data FINAL
WHERE experiment_id != '' AND (record_id != '' OR source = 'summary')
UNION ALL
SELECT
    e.experiment_id,
    if(c.run_id = '', e.run_id, c.run_id),
    if(c.run_iteration = 0, e.run_iteration, c.run_iteration),
    c.record_id,
    if(c.trace_id = '', e.trace_id, c.trace_id),
    e.span_id, e.name, e.source, e.type, e.score_value, e.label_value, e.json_value, e.explanation,
    e.assessment, e.evaluator_id, e.evaluator_type, e.evaluator_version, e.error, e.error_type,
    e.response_id, e.metadata, e.tags, e.service_name, e.attributes, e.attribute_types, e.timestamp,
    e.received_at
FROM
(
    SELECT * FROM evaluations_data FINAL WHERE experiment_id != '' AND record_id = '' AND source != 'summary'
) AS e
LEFT ANY JOIN span_cases AS c ON c.experiment_id = e.experiment_id AND c.span_id = e.span_id
UNION ALL
SELECT
    c.experiment_id, c.run_id, c.run_iteration, c.record_id,
    e.trace_id, e.span_id, e.name, e.source, e.type, e.score_value, e.label_value, e.json_value,
    e.explanation, e.assessment, e.evaluator_id, e.evaluator_type, e.evaluator_version, e.error,
    e.error_type, e.response_id, e.metadata, e.tags, e.service_name, e.attributes, e.attribute_types,
    e.timestamp, e.received_at
FROM (SELECT *, if(trace_id IN (SELECT trace_id FROM shared_traces), span_id, '') AS part FROM evaluations_data FINAL WHERE experiment_id = '') AS e
INNER JOIN trace_cases AS c ON c.trace_id = e.trace_id AND c.span_id = e.part AND c.sender = e.project
