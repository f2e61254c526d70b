-- One row per (experiment, source, evaluator, run): how its scores are distributed in one run
-- iteration, and over all of them as run -1, together with the mean of the record means (mode of
-- the record modes).
-- The views evaluations, latest_scores and record_means say the same of all experiments. Here the
-- ids reach the key in every branch: of a page of 50 among 1,000, with 300,000 scores that only
-- carry a trace id, latest_scores alone takes 855 ms.
WITH
-- Which case a trace belongs to, for scores that do not say.
foreign_traces AS
(
    SELECT DISTINCT trace_id
    FROM evaluations_data
    WHERE experiment_id = '' AND trace_id IN (
        SELECT trace_id FROM spans_data WHERE experiment_id IN {ids:Array(String)} AND span_type = 'CASE'
    )
),
page_traces AS
(
    SELECT
        s.trace_id AS trace_id,
        argMin(
            (s.experiment_id, s.record_id, if(s.run_iteration = 0, n.run_iteration, s.run_iteration), s.project),
            (s.start_time, s.span_id)
        ) AS who
    FROM spans_data AS s
    LEFT ANY JOIN (SELECT * FROM case_numbers WHERE experiment_id IN {ids:Array(String)}) AS n
        ON n.experiment_id = s.experiment_id AND n.trace_id = s.trace_id AND n.span_id = s.span_id
    WHERE s.experiment_id IN {ids:Array(String)} AND s.span_type = 'CASE' AND s.trace_id IN (foreign_traces)
      AND s.trace_id NOT IN (SELECT trace_id FROM shared_traces)
    GROUP BY s.trace_id
),
given AS
(
    SELECT
        experiment_id, source, name, record_id, run_iteration, trace_id, span_id, timestamp, received_at,
        type, score_value, label_value, json_value, error, error_type
    FROM evaluations_data FINAL
    WHERE experiment_id IN {ids:Array(String)} AND (record_id != '' OR source = 'summary')
    UNION ALL
    SELECT
        e.experiment_id, e.source, e.name, c.record_id, if(c.run_iteration = 0, e.run_iteration, c.run_iteration),
        if(c.trace_id = '', e.trace_id, c.trace_id), e.span_id, e.timestamp, e.received_at,
        e.type, e.score_value, e.label_value, e.json_value, e.error, e.error_type
    FROM
    (
        SELECT * FROM evaluations_data FINAL
        WHERE experiment_id IN {ids:Array(String)} AND record_id = '' AND source != 'summary'
    ) AS e
    LEFT ANY JOIN (SELECT * FROM span_cases WHERE experiment_id IN {ids:Array(String)}) AS c
        ON c.experiment_id = e.experiment_id AND c.span_id = e.span_id
    UNION ALL
    SELECT
        n.experiment_id, e.source, e.name, n.record_id, n.run_iteration, e.trace_id, e.span_id, e.timestamp,
        e.received_at, e.type, e.score_value, e.label_value, e.json_value, e.error, e.error_type
    FROM (SELECT * FROM nested_spans WHERE experiment_id IN {ids:Array(String)}) AS n
    INNER JOIN
    (
        SELECT * FROM evaluations_data FINAL
        WHERE experiment_id = '' AND trace_id IN (SELECT trace_id FROM shared_traces)
    ) AS e ON e.trace_id = n.trace_id AND e.span_id = n.span_id
    WHERE e.project = '' OR e.project = n.project
    UNION ALL
    SELECT
        t.who.1, e.source, e.name, t.who.2, t.who.3, e.trace_id, e.span_id, e.timestamp, e.received_at,
        e.type, e.score_value, e.label_value, e.json_value, e.error, e.error_type
    FROM
    (
        SELECT
            source, name, trace_id, span_id, timestamp, received_at, type, score_value, label_value, json_value,
            error, error_type, project
        FROM evaluations_data FINAL
        WHERE experiment_id = '' AND trace_id IN (foreign_traces)
    ) AS e
    INNER JOIN page_traces AS t ON t.trace_id = e.trace_id
    WHERE e.project = '' OR e.project = t.who.4
),
latest AS
(
    SELECT
        g.experiment_id AS experiment_id,
        g.source AS source,
        g.name AS name,
        g.record_id AS record_id,
        g.run_iteration AS run_iteration,
        argMax(
            (
                toInt64(g.run_iteration),
                g.type,
                if(isFinite(g.score_value), g.score_value, NULL),
                g.label_value,
                isNotNull(g.score_value) OR isNotNull(g.label_value) OR isNotNull(g.json_value),
                g.error != '' OR g.error_type != '' OR NOT isFinite(ifNull(g.score_value, 0))
            ),
            (g.timestamp, g.received_at, g.trace_id, g.span_id)
        ) AS said
    FROM given AS g
    LEFT ANTI JOIN (SELECT * FROM superseded_traces WHERE experiment_id IN {ids:Array(String)}) AS o
        ON o.experiment_id = g.experiment_id
        AND o.record_id = g.record_id
        AND o.run_iteration = g.run_iteration
        AND o.trace_id = g.trace_id
    GROUP BY g.experiment_id, g.source, g.name, g.record_id, g.run_iteration
),
by_record AS
(
    SELECT
        experiment_id,
        source,
        name,
        if(source = 'record', record_id, toString(run_iteration)) AS record,
        groupArray(said) AS said_in_runs,
        avg(said.3) AS mean,
        groupArrayIf(assumeNotNull(said.4), isNotNull(said.4)) AS labels,
        if(empty(labels), NULL, arraySort(
            l -> (-l.2, l.1), arrayMap(l -> (l, toInt64(countEqual(labels, l))), arrayDistinct(labels))
        )[1].1) AS mode
    FROM latest
    GROUP BY experiment_id, source, name, record
),
by_evaluator AS
(
    SELECT
        experiment_id,
        source,
        name,
        groupArrayArray(said_in_runs) AS everything,
        groupArray(mean) AS record_means,
        groupArray(mode) AS record_modes
    FROM by_record
    GROUP BY experiment_id, source, name
),
by_run AS
(
    SELECT
        experiment_id,
        source,
        name,
        run,
        arrayFilter(s -> run = -1 OR s.1 = run, everything) AS chosen,
        if(run = -1, record_means, []) AS means,
        if(run = -1, record_modes, []) AS modes
    FROM by_evaluator
    ARRAY JOIN arrayConcat([-1], arrayDistinct(arrayMap(s -> s.1, everything))) AS run
),
numbers_of_run AS
(
    SELECT
        *,
        arraySort(arrayMap(s -> assumeNotNull(s.3), arrayFilter(s -> isNotNull(s.3), chosen))) AS scores,
        arrayMap(s -> assumeNotNull(s.4), arrayFilter(s -> isNotNull(s.4), chosen)) AS labels,
        empty(scores) ? 0 : scores[1] AS least,
        empty(scores) ? 1 : scores[-1] AS most,
        multiIf(least >= 0 AND most <= 1, (0., 1.), least = most, (least - 0.5, most + 0.5), (least, most)) AS span,
        arrayMap(i -> span.1 * ((10 - i) / 10) + span.2 * (i / 10), range(11)) AS edges
    FROM by_run
)
SELECT
    experiment_id,
    source,
    name,
    run,
    -- An evaluator that failed did not get to say what type its score would have been.
    arrayMax(s -> (s.5, s.2), chosen).2 AS type,
    length(chosen) AS evaluations,
    arrayCount(s -> s.5, chosen) AS count,
    arrayCount(s -> s.6, chosen) AS n_errors,
    length(scores) AS n_scores,
    if(empty(scores), NULL, arrayAvg(scores)) AS mean,
    if(n_scores > 1, arrayReduce('stddevSampStable', scores), NULL) AS stddev,
    if(empty(scores), NULL, least) AS min,
    if(empty(scores), NULL, most) AS max,
    arrayReduce('quantilesExactInclusive(0.05, 0.25, 0.5, 0.75, 0.95)', scores) AS quantiles,
    edges,
    arrayMap(
        i -> arrayCount(s -> (i = 1 OR s >= edges[i]) AND (i = 10 OR s < edges[i + 1]), scores), range(1, 11)
    ) AS buckets,
    arrayReduce('sumMap', arrayMap(l -> map(l, 1), labels)) AS label_counts,
    length(means) AS n_means,
    if(empty(means), NULL, arrayAvg(means)) AS mean_of_means,
    if(n_means > 1, arrayReduce('stddevSampStable', means), NULL) AS stddev_of_means,
    arrayReduce('sumMap', arrayMap(l -> map(l, 1), modes)) AS mode_counts
FROM numbers_of_run
ORDER BY experiment_id, source, name, run
SETTINGS optimize_move_to_prewhere_if_final = 1
