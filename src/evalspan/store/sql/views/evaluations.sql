-- Branches, so that a filter on experiment_id still prunes by primary key: scores that state
-- experiment and record (or are of a whole run), those that state the experiment and a span of it,
-- and those that find their case through their trace or, in a shared one, through the span's parents.
CREATE OR REPLACE VIEW evaluations AS
SELECT
    experiment_id,
    run_id,
    run_iteration,
    record_id,
    trace_id,
    span_id,
    name,
    source,
    type,
    score_value,
    label_value,
    json_value,
    explanation,
    assessment,
    evaluator_id,
    evaluator_type,
    evaluator_version,
    error,
    error_type,
    response_id,
    metadata,
    tags,
    service_name,
    attributes,
    attribute_types,
    timestamp,
    received_at
FROM evaluations_data FINAL
WHERE experiment_id != '' AND (record_id != '' OR source = 'summary')
UNION ALL
SELECT
    e.experiment_id AS experiment_id,
    if(c.run_id = '', e.run_id, c.run_id) AS run_id,
    if(c.run_iteration = 0, e.run_iteration, c.run_iteration) AS run_iteration,
    c.record_id AS record_id,
    if(c.trace_id = '', e.trace_id, c.trace_id) AS trace_id,
    e.span_id AS span_id,
    e.name AS name,
    e.source AS source,
    e.type AS type,
    e.score_value AS score_value,
    e.label_value AS label_value,
    e.json_value AS json_value,
    e.explanation AS explanation,
    e.assessment AS assessment,
    e.evaluator_id AS evaluator_id,
    e.evaluator_type AS evaluator_type,
    e.evaluator_version AS evaluator_version,
    e.error AS error,
    e.error_type AS error_type,
    e.response_id AS response_id,
    e.metadata AS metadata,
    e.tags AS tags,
    e.service_name AS service_name,
    e.attributes AS attributes,
    e.attribute_types AS attribute_types,
    e.timestamp AS timestamp,
    e.received_at AS received_at
FROM
(
    SELECT * FROM evaluations_data FINAL WHERE experiment_id != '' AND record_id = '' AND source != 'summary'
) AS e
LEFT ANY JOIN span_cases AS c ON c.experiment_id = e.experiment_id AND c.span_id = e.span_id
UNION ALL
WITH e.project = '' OR e.project = c.project AS same_project
SELECT
    if(same_project, c.experiment_id, '') AS experiment_id,
    if(same_project, c.run_id, '') AS run_id,
    if(same_project, c.run_iteration, 0) AS run_iteration,
    if(same_project, c.record_id, '') AS record_id,
    e.trace_id AS trace_id,
    e.span_id AS span_id,
    e.name AS name,
    e.source AS source,
    e.type AS type,
    e.score_value AS score_value,
    e.label_value AS label_value,
    e.json_value AS json_value,
    e.explanation AS explanation,
    e.assessment AS assessment,
    e.evaluator_id AS evaluator_id,
    e.evaluator_type AS evaluator_type,
    e.evaluator_version AS evaluator_version,
    e.error AS error,
    e.error_type AS error_type,
    e.response_id AS response_id,
    e.metadata AS metadata,
    e.tags AS tags,
    e.service_name AS service_name,
    e.attributes AS attributes,
    e.attribute_types AS attribute_types,
    e.timestamp AS timestamp,
    e.received_at AS received_at
FROM (SELECT * FROM evaluations_data FINAL WHERE experiment_id = '' AND trace_id NOT IN (SELECT trace_id FROM shared_traces)) AS e
LEFT ANY JOIN trace_cases AS c ON c.trace_id = e.trace_id
UNION ALL
WITH e.project = '' OR e.project = c.project AS same_project
SELECT
    if(same_project, c.experiment_id, '') AS experiment_id,
    if(same_project, c.run_id, '') AS run_id,
    if(same_project, c.run_iteration, 0) AS run_iteration,
    if(same_project, c.record_id, '') AS record_id,
    e.trace_id AS trace_id,
    e.span_id AS span_id,
    e.name AS name,
    e.source AS source,
    e.type AS type,
    e.score_value AS score_value,
    e.label_value AS label_value,
    e.json_value AS json_value,
    e.explanation AS explanation,
    e.assessment AS assessment,
    e.evaluator_id AS evaluator_id,
    e.evaluator_type AS evaluator_type,
    e.evaluator_version AS evaluator_version,
    e.error AS error,
    e.error_type AS error_type,
    e.response_id AS response_id,
    e.metadata AS metadata,
    e.tags AS tags,
    e.service_name AS service_name,
    e.attributes AS attributes,
    e.attribute_types AS attribute_types,
    e.timestamp AS timestamp,
    e.received_at AS received_at
FROM nested_spans AS c
RIGHT ANY JOIN
(
    SELECT * FROM evaluations_data FINAL WHERE experiment_id = '' AND trace_id IN (SELECT trace_id FROM shared_traces)
) AS e ON c.trace_id = e.trace_id AND c.span_id = e.span_id
