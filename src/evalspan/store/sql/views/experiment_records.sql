-- One row per (experiment, record) over its runs. Means and modes by evaluator name; n says how
-- many runs each rests on, spread is the sample standard deviation (absent below two runs).
-- Tokens and cost are means over the runs that made LLM calls; one of those unknown makes the mean
-- unknown.
CREATE OR REPLACE VIEW experiment_records AS
SELECT
    c.experiment_id AS experiment_id,
    e.experiment AS experiment,
    e.experiment_name AS experiment_name,
    c.record_id AS record_id,
    c.input AS input,
    c.expected_output AS expected_output,
    c.metadata AS metadata,
    mapUpdate(c.experiment_metadata, e.metadata_map) AS experiment_metadata,
    c.tags AS tags,
    c.runs AS runs,
    c.failed_runs AS failed_runs,
    c.mean_duration_ms AS mean_duration_ms,
    c.mean_input_tokens AS mean_input_tokens,
    c.mean_output_tokens AS mean_output_tokens,
    c.mean_total_tokens AS mean_total_tokens,
    c.mean_cost_usd AS mean_cost_usd,
    s.scores AS scores,
    s.labels AS labels,
    s.spread AS spread,
    s.n AS n,
    s.evaluator_errors AS evaluator_errors
FROM
(
    SELECT
        r.experiment_id AS experiment_id,
        r.record_id AS record_id,
        argMax(r.input, (r.started_at, r.trace_id)) AS input,
        argMax(r.expected_output, (r.started_at, r.trace_id)) AS expected_output,
        argMax(r.metadata, (r.started_at, r.trace_id)) AS metadata,
        argMax(r.experiment_metadata, (r.started_at, r.trace_id)) AS experiment_metadata,
        argMax(r.tags, (r.started_at, r.trace_id)) AS tags,
        count() AS runs,
        countIf(r.status = 'error') AS failed_runs,
        avg(r.duration_ms) AS mean_duration_ms,
        if(countIf(u.llm_calls > 0 AND isNull(u.input_tokens)) > 0, NULL, avg(u.input_tokens)) AS mean_input_tokens,
        if(countIf(u.llm_calls > 0 AND isNull(u.output_tokens)) > 0, NULL, avg(u.output_tokens)) AS mean_output_tokens,
        if(countIf(u.llm_calls > 0 AND isNull(u.total_tokens)) > 0, NULL, avg(u.total_tokens)) AS mean_total_tokens,
        if(countIf(u.llm_calls > 0 AND isNull(u.cost_usd)) > 0, NULL, avg(u.cost_usd)) AS mean_cost_usd
    FROM cases AS r
    LEFT ANY JOIN trace_usage AS u ON u.experiment_id = r.experiment_id AND u.trace_id = r.trace_id
    GROUP BY r.experiment_id, r.record_id
) AS c
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
INNER JOIN experiments AS e ON e.experiment_id = c.experiment_id
