-- Tokens and money of one trace or, where a trace holds several cases, of one case (`part`). Wrapper spans
-- restate what their children used, so only the deepest LLM spans count, and a response id counts once: of
-- two spans that share it the one that knows its usage. A sum with an unknown part is unknown.
-- What an evaluator calls is not the case's. A call that was refused (an HTTP status of 4xx or 5xx), or for
-- which there was no connection, and which reports no usage used nothing.
-- A call that Logfire saw streamed is two spans: the request, and a record of no length with its usage.
CREATE OR REPLACE VIEW trace_usage AS
WITH
    arraySort(
        c -> (isNull(c.6), isNull(c.7), c.1),
        groupArray((s.span_id, s.parent_span_id, s.response_id, s.input_tokens, s.output_tokens, s.total_tokens, s.cost_usd,
            multiIf(s.dialect != 'logfire', '', s.duration_ns = 0, 'record', isNull(s.total_tokens), 'request', '')))
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
    if(s.trace_id IN (SELECT trace_id FROM shared_traces), (s.record_id, s.run_iteration), ('', 0)) AS part,
    toUInt64(length(counted)) AS llm_calls,
    countEqual(arrayMap(c -> isNull(c.6), counted), 1) AS unknown_usage_calls,
    countEqual(arrayMap(c -> isNull(c.7), counted), 1) AS unknown_cost_calls,
    if(arrayExists(c -> isNull(c.4), counted), NULL, arraySum(c -> assumeNotNull(c.4), counted)) AS input_tokens,
    if(arrayExists(c -> isNull(c.5), counted), NULL, arraySum(c -> assumeNotNull(c.5), counted)) AS output_tokens,
    if(arrayExists(c -> isNull(c.6), counted), NULL, arraySum(c -> assumeNotNull(c.6), counted)) AS total_tokens,
    if(arrayExists(c -> isNull(c.7), counted), NULL, arraySum(c -> assumeNotNull(c.7), counted)) AS cost_usd
FROM spans AS s
WHERE s.span_type IN ('LLM', 'EMBEDDING')
  AND s.evaluator = ''
  AND NOT (s.status = 'error' AND isNull(s.total_tokens) AND match(s.error_type, '^[45][0-9][0-9]$|RateLimitError$|^(Connect(Error|Timeout)|PoolTimeout|ClientConnector[A-Za-z]*Error)$'))
GROUP BY s.experiment_id, s.trace_id, part
