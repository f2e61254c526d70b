-- What some traces used, and how many spans they have. Wrappers and metrics do not count.
SELECT
    s.trace_id AS trace_id,
    count() AS spans,
    countIf(s.span_type = 'LLM') AS llm_spans,
    arraySort(groupUniqArrayIf(s.provider, s.provider != '')) AS providers,
    any(u.input_tokens) AS prompt_tokens,
    any(u.output_tokens) AS completion_tokens,
    any(u.total_tokens) AS total_tokens,
    any(toFloat64(u.cost_usd)) AS cost
FROM
(
    SELECT trace_id, span_type, provider
    FROM spans_data FINAL
    WHERE experiment_id = '' AND trace_id IN {traces:Array(String)} AND attributes['opik.id'] != attributes['opik.trace_id']
) AS s
LEFT ANY JOIN (SELECT * FROM trace_usage WHERE trace_id IN {traces:Array(String)}) AS u ON u.trace_id = s.trace_id
GROUP BY s.trace_id
