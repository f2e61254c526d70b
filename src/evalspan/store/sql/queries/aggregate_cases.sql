-- One row per (experiment, run): cases, durations, tokens and money in one run iteration, and over
-- all of them as run -1. A case without LLM calls used nothing; one with a call of unknown usage is
-- unknown.
-- Which calls count, and how often, is what the view trace_usage says. Here the ids reach the key also
-- for the calls of other services, which carry no experiment: the view looks those up in the cases of
-- all experiments.
WITH
foreign_traces AS
(
    SELECT DISTINCT trace_id
    FROM spans_data
    WHERE experiment_id = '' AND span_type IN ('LLM', 'EMBEDDING') AND trace_id IN (
        SELECT trace_id FROM spans_data WHERE experiment_id IN {ids:Array(String)} AND span_type = 'CASE'
    )
),
page_traces AS
(
    SELECT
        trace_id,
        argMin(experiment_id, (start_time, span_id)) AS whose,
        argMin(project, (start_time, span_id)) AS project
    FROM spans_data
    WHERE experiment_id IN {ids:Array(String)} AND span_type = 'CASE' AND trace_id IN (foreign_traces)
      AND trace_id NOT IN (SELECT trace_id FROM shared_traces)
    GROUP BY trace_id
),
page_calls AS
(
    SELECT
        experiment_id, trace_id, span_id, parent_span_id, response_id, input_tokens, output_tokens,
        total_tokens, cost_usd,
        multiIf(dialect != 'logfire', '', duration_ns = 0, 'record', isNull(total_tokens), 'request', '') AS half
    FROM spans_data FINAL
    WHERE experiment_id IN {ids:Array(String)}
      AND trace_id NOT IN (SELECT trace_id FROM shared_traces)
      AND span_type IN ('LLM', 'EMBEDDING')
      AND evaluator = ''
      AND NOT (status = 'error' AND isNull(total_tokens) AND match(error_type, '^[45][0-9][0-9]$|RateLimitError$'))
    UNION ALL
    SELECT
        t.whose, f.trace_id, f.span_id, f.parent_span_id, f.response_id, f.input_tokens, f.output_tokens,
        f.total_tokens, f.cost_usd, f.half
    FROM
    (
        SELECT
            trace_id, span_id, parent_span_id, response_id, input_tokens, output_tokens, total_tokens, cost_usd,
            project,
            multiIf(dialect != 'logfire', '', duration_ns = 0, 'record', isNull(total_tokens), 'request', '') AS half
        FROM spans_data FINAL
        WHERE experiment_id = ''
          AND trace_id IN (foreign_traces)
          AND span_type IN ('LLM', 'EMBEDDING')
          AND evaluator = ''
          AND NOT (status = 'error' AND isNull(total_tokens) AND match(error_type, '^[45][0-9][0-9]$|RateLimitError$'))
    ) AS f
    INNER JOIN page_traces AS t ON t.trace_id = f.trace_id
    WHERE f.project = '' OR f.project = t.project
),
page_usage AS
(
    WITH
        arraySort(
            c -> (isNull(c.6), isNull(c.7), c.1),
            groupArray((s.span_id, s.parent_span_id, s.response_id, s.input_tokens, s.output_tokens, s.total_tokens, s.cost_usd, s.half))
        ) AS calls,
        arrayMap(c -> c.2, calls) AS parents,
        arrayFilter(c -> NOT has(parents, c.1), calls) AS ends,
        -- Of Logfire's streamed calls, as many requests as have a record of what they came to are left out.
        arrayFilter(c -> c.8 = 'request', ends) AS requests,
        countEqual(arrayMap(c -> c.8, ends), 'record') AS records,
        arrayConcat(arrayFilter(c -> c.8 != 'request', ends), arraySlice(requests, records + 1)) AS leaves,
        arrayMap(c -> c.3, leaves) AS response_ids,
        arrayFilter((c, i) -> c.3 = '' OR indexOf(response_ids, c.3) = i, leaves, arrayEnumerate(leaves)) AS counted
    SELECT
        s.experiment_id AS experiment_id,
        s.trace_id AS trace_id,
        ('', 0) AS part,
        length(counted) AS llm_calls,
        if(arrayExists(c -> isNull(c.4), counted), NULL, arraySum(c -> assumeNotNull(c.4), counted)) AS input_tokens,
        if(arrayExists(c -> isNull(c.5), counted), NULL, arraySum(c -> assumeNotNull(c.5), counted)) AS output_tokens,
        if(arrayExists(c -> isNull(c.6), counted), NULL, arraySum(c -> assumeNotNull(c.6), counted)) AS total_tokens,
        if(arrayExists(c -> isNull(c.7), counted), NULL, arraySum(c -> assumeNotNull(c.7), counted)) AS cost_usd
    FROM page_calls AS s
    GROUP BY s.experiment_id, s.trace_id
    UNION ALL
    SELECT experiment_id, trace_id, part, llm_calls, input_tokens, output_tokens, total_tokens, cost_usd
    FROM trace_usage
    WHERE experiment_id IN {ids:Array(String)} AND trace_id IN (SELECT trace_id FROM shared_traces)
)
SELECT
    c.experiment_id AS experiment_id,
    run,
    count() AS cases,
    countIf(c.status = 'error') AS failed,
    uniqExact(c.record_id) AS records,
    avg(c.duration_ms) AS duration_mean,
    quantilesExactInclusive(0.5, 0.95)(c.duration_ms) AS duration_quantiles,
    sum(u.llm_calls) AS llm_calls,
    countIf(u.llm_calls > 0) AS calling_cases,
    countIf(u.llm_calls > 0 AND isNull(u.input_tokens)) AS unknown_input_tokens,
    countIf(u.llm_calls > 0 AND isNull(u.output_tokens)) AS unknown_output_tokens,
    countIf(u.llm_calls > 0 AND isNull(u.total_tokens)) AS unknown_total_tokens,
    countIf(u.llm_calls > 0 AND isNull(u.cost_usd)) AS unknown_cost,
    sum(u.input_tokens) AS input_tokens,
    sum(u.output_tokens) AS output_tokens,
    sum(u.total_tokens) AS total_tokens,
    toFloat64(sum(u.cost_usd)) AS cost
FROM
(
    SELECT
        experiment_id, record_id, run_iteration, status, trace_id, duration_ms,
        if(trace_id IN (SELECT trace_id FROM shared_traces), (record_id, run_iteration), ('', 0)) AS part
    FROM cases
    WHERE experiment_id IN {ids:Array(String)}
) AS c
LEFT ANY JOIN page_usage AS u
    ON u.experiment_id = c.experiment_id AND u.trace_id = c.trace_id AND u.part = c.part
ARRAY JOIN [-1, toInt64(c.run_iteration)] AS run
GROUP BY c.experiment_id, run
ORDER BY c.experiment_id, run
SETTINGS optimize_move_to_prewhere_if_final = 1
