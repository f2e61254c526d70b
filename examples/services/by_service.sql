SELECT
    service_name,
    uniqExact(trace_id) AS cases,
    countIf(span_type = 'LLM') AS llm_calls,
    sumIf(total_tokens, span_type = 'LLM') AS tokens,
    sumIf(cost_usd, span_type = 'LLM') AS usd,
    round(avgOrNullIf(duration_ns, kind = 'SERVER') / 1e6, 1) AS ms_a_request
FROM spans
WHERE experiment_id = (SELECT argMax(experiment_id, started_at) FROM experiment_results)
    AND evaluator = '' -- what evaluators spend is not part of the cases
GROUP BY service_name
ORDER BY usd DESC NULLS LAST
