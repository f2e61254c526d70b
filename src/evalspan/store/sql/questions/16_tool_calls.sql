-- Which tools were called, how often, how long, and how often did they fail?
SELECT
    name AS tool,
    count() AS calls,
    countIf(status = 'error') AS failed,
    round(avg(duration_ns) / 1e6, 3) AS mean_ms,
    uniqExact(trace_id) AS traces
FROM spans
WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
    AND span_type = 'TOOL'
GROUP BY tool
ORDER BY calls DESC, tool
