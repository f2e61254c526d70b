-- How long do the calls of each model take: median, 90th, 95th and 99th percentile?
SELECT
    if(response_model = '', request_model, response_model) AS model,
    count() AS calls,
    arrayMap(ns -> round(ns / 1e6, 3), quantilesExactInclusive(0.5, 0.9, 0.95, 0.99)(duration_ns)) AS percentiles,
    percentiles[1] AS p50_ms,
    percentiles[2] AS p90_ms,
    percentiles[3] AS p95_ms,
    percentiles[4] AS p99_ms
FROM spans
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND span_type = 'LLM'
GROUP BY model
ORDER BY p50_ms DESC, model
