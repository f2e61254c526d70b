-- Which LLM calls came without usage or price, and from which instrumentation?
SELECT
    dialect,
    provider,
    if(response_model = '', request_model, response_model) AS model,
    count() AS calls,
    countIf(total_tokens IS NULL) AS without_tokens,
    countIf(cost_usd IS NULL) AS without_cost
FROM spans
WHERE span_type IN ('LLM', 'EMBEDDING')
GROUP BY dialect, provider, model
HAVING without_tokens + without_cost > 0
ORDER BY calls DESC, dialect, provider, model
