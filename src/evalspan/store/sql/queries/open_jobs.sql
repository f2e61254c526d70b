-- Jobs of which more was asked than was seen to. All that is told of a job stands under its id.
SELECT
    id AS experiment_id,
    max(if(kind IN ('job_ask', 'job_submitted'), JSONExtractUInt(body, 'turn'), 0)) AS turn,
    max(if(kind = 'job_ask', JSONExtractUInt(body, 'turn'), 0)) AS asked_turn,
    max(if(kind = 'job_state', JSONExtractUInt(body, 'finished'), 0)) AS finished,
    anyIf(JSONExtractString(body, 'asked'), kind = 'job_ask') AS asked
FROM documents_data FINAL
WHERE NOT deleted AND parent = '' AND kind IN ('job_ask', 'job_submitted', 'job_state')
GROUP BY id
HAVING turn > finished AND asked != ''
ORDER BY turn
