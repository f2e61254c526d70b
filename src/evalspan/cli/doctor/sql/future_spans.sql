SELECT service_name, toString(max(start_time)) AS latest, toString(count()) AS n
FROM spans
WHERE start_time > now64(9) + toIntervalMinute(5)
GROUP BY service_name
ORDER BY count() DESC
LIMIT 5
