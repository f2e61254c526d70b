-- How many items of some jobs are where, and what they used. Dollars are counted in trillionths.
SELECT
    parent AS experiment_id,
    name AS status,
    count() AS items,
    sum(JSONExtractUInt(body, 'spent_usd')) AS spent_usd,
    sum(JSONExtractUInt(body, 'spent_tokens')) AS spent_tokens,
    sum(JSONExtractUInt(body, 'reserved_usd')) AS reserved_usd,
    sum(JSONExtractUInt(body, 'reserved_tokens')) AS reserved_tokens,
    sum(JSONExtractUInt(body, 'unpriced')) AS unpriced,
    sum(JSONExtractUInt(body, 'unmetered')) AS unmetered
FROM documents_data FINAL
WHERE NOT deleted AND kind = 'job_item' AND parent IN {ids:Array(String)}
GROUP BY parent, name
