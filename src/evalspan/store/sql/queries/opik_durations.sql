-- How many executions an experiment has, and how long they and all of them together took, in milliseconds.
SELECT
    experiment_id,
    count() AS traces,
    quantilesExactInclusive(0.5, 0.9, 0.99)(duration_ms) AS durations,
    (max(toUnixTimestamp64Nano(started_at) + duration_ms * 1e6) - min(toUnixTimestamp64Nano(started_at))) / 1e6
        AS run_duration
FROM cases
WHERE experiment_id IN {ids:Array(String)}
GROUP BY experiment_id
