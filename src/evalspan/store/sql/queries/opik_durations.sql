-- How many executions an experiment has, and how long they took, in milliseconds.
SELECT
    experiment_id,
    count() AS traces,
    quantilesExactInclusive(0.5, 0.9, 0.99)(duration_ms) AS durations
FROM cases
WHERE experiment_id IN {ids:Array(String)}
GROUP BY experiment_id
