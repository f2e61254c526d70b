-- One row per (experiment, record) over its runs. Means and modes by evaluator name; n says how
-- many runs each rests on, spread is the sample standard deviation (absent below two runs).
CREATE OR REPLACE VIEW experiment_records AS
SELECT
    c.experiment_id AS experiment_id,
    if(e.experiment = '', c.case_experiment, e.experiment) AS experiment,
    if(e.experiment_name = '', c.case_experiment, e.experiment_name) AS experiment_name,
    c.record_id AS record_id,
    c.input AS input,
    c.expected_output AS expected_output,
    c.metadata AS metadata,
    c.runs AS runs,
    c.failed_runs AS failed_runs,
    c.mean_duration_ms AS mean_duration_ms,
    s.scores AS scores,
    s.labels AS labels,
    s.spread AS spread,
    s.n AS n,
    s.evaluator_errors AS evaluator_errors
FROM
(
    SELECT
        experiment_id,
        record_id,
        any(experiment) AS case_experiment,
        argMax(input, (started_at, trace_id)) AS input,
        argMax(expected_output, (started_at, trace_id)) AS expected_output,
        argMax(metadata, (started_at, trace_id)) AS metadata,
        count() AS runs,
        countIf(status = 'error') AS failed_runs,
        avg(duration_ms) AS mean_duration_ms
    FROM cases
    GROUP BY experiment_id, record_id
) AS c
LEFT ANY JOIN experiments AS e ON e.experiment_id = c.experiment_id
LEFT ANY JOIN
(
    SELECT
        experiment_id,
        record_id,
        mapFilter((k, v) -> isNotNull(v), mapFromArrays(groupArray(name), groupArray(tuple(mean)).1)) AS scores,
        mapFilter((k, v) -> isNotNull(v), mapFromArrays(groupArray(name), groupArray(tuple(mode)).1)) AS labels,
        mapFilter((k, v) -> isNotNull(v), mapFromArrays(groupArray(name), groupArray(tuple(spread)).1)) AS spread,
        mapFromArrays(groupArray(name), groupArray(n_scores + n_labels)) AS n,
        mapFromArrays(groupArray(name), groupArray(n_errors)) AS evaluator_errors
    FROM record_means
    WHERE source = 'record'
    GROUP BY experiment_id, record_id
) AS s ON s.experiment_id = c.experiment_id AND s.record_id = c.record_id
