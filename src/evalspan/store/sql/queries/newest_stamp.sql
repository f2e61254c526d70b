-- When the last telemetry was received, in microseconds; 0 where there is none.
SELECT max(stamp) AS newest
FROM
(
    SELECT toUnixTimestamp64Micro(max(received_at)) AS stamp FROM spans_data
    UNION ALL
    SELECT toUnixTimestamp64Micro(max(received_at)) AS stamp FROM evaluations_data
    UNION ALL
    SELECT toUnixTimestamp64Micro(max(received_at)) AS stamp FROM logs_data
    UNION ALL
    SELECT toUnixTimestamp64Micro(max(received_at)) AS stamp FROM metric_points_data
)
