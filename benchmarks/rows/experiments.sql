INSERT INTO experiments_data
    (experiment_id, project_id, dataset_id, project, dataset, experiment, experiment_name, metadata,
    metadata_map, config, run_count, expected_records, status, created_at, updated_at, revision)
WITH
    'pipeline-' || toString(number % 100) AS pipeline,
    map('commit', lower(hex(toUInt32(sipHash64('commit', number)))), 'branch', ['main', 'feat', 'fix'][1 + number % 3]) AS said,
    fromUnixTimestamp64Micro(toInt64(1767225600000000 + number * 60000000)) AS moment
SELECT
    lower(hex(sipHash64('experiment', number))) || '-' || toString(number),
    'bench', 'bench', 'bench', 'questions', pipeline, pipeline || '-' || toString(number),
    toJSONString(said), said, '{"model": "gpt-5-mini"}', {runs:UInt64}, {records:UInt64}, 'completed', moment, moment, 1
FROM numbers({experiments:UInt64})
