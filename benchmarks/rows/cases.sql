-- The spans of the experiments {first}..{last}: per case a root, two calls of a model and six tools.
-- Every value follows from the numbers, so two stores of one size hold the same rows.
INSERT INTO spans_data
    (experiment_id, trace_id, span_id, parent_span_id, run_iteration, record_id, project, experiment,
    name, span_type, service_name, start_time, duration_ns, status, provider, request_model, response_model,
    response_id, input_tokens, output_tokens, total_tokens, cost_usd, input, output, expected_output,
    metadata, attributes, resource_attributes, received_at)
WITH
    intDiv(number, {runs:UInt64} * 9) AS record,
    intDiv(number, 9) % {runs:UInt64} AS run,
    number % 9 AS part,
    intDiv(record, {records:UInt64}) + {first:UInt64} AS experiment_number,
    record % {records:UInt64} AS record_number,
    lower(hex(sipHash128('trace', experiment_number, record_number, run))) AS trace,
    lower(hex(sipHash64('span', trace))) AS root,
    cityHash64(trace, part) AS dice,
    part IN (1, 4) AS is_call,
    fromUnixTimestamp64Nano(toInt64(1767225600000000000 + experiment_number * 60000000000 + record_number * 50000000 + run * 17000000 + part * 1000000)) AS start,
    if(part = 0 OR is_call, arrayStringConcat(arrayMap(
        i -> ['the', 'model', 'was', 'asked', 'about', 'a', 'city', 'and', 'said', 'what', 'it', 'knew', 'then', 'gave', 'another', 'answer'][1 + cityHash64(if(part = 0, record, dice), i) % 16],
        range(60)), ' '), '') AS words
SELECT
    lower(hex(sipHash64('experiment', experiment_number))) || '-' || toString(experiment_number),
    trace,
    if(part = 0, root, lower(hex(dice))),
    if(part = 0, '', root),
    run + 1,
    'record-' || leftPad(toString(record_number), 5, '0'),
    'bench',
    if(part = 0, 'pipeline-' || toString(experiment_number % 100), ''),
    multiIf(part = 0, 'case', is_call, 'chat gpt-5-mini', 'tool ' || toString(part)),
    multiIf(part = 0, 'CASE', is_call, 'LLM', 'TOOL'),
    'bench',
    start,
    1000000 * (50 + dice % 2000),
    if(part = 0 AND dice % 100 = 0, 'error', 'ok'),
    if(is_call, 'openai', ''),
    if(is_call, 'gpt-5-mini', ''),
    if(is_call, 'gpt-5-mini-2025-08-07', ''),
    if(is_call, 'chatcmpl-' || lower(hex(dice)), ''),
    if(is_call, 50 + dice % 450, NULL),
    if(is_call, 5 + dice % 195, NULL),
    if(is_call, 55 + dice % 450 + dice % 195, NULL),
    if(is_call, (dice % 1000) / 1000000, NULL),
    words,
    reverse(words),
    if(part = 0, words, ''),
    if(part = 0, map('topic', 'topic-' || toString(record_number % 20), 'author', 'user-' || toString(record_number % 97)), map()),
    if(is_call, map('gen_ai.operation.name', 'chat', 'gen_ai.request.temperature', '0.2', 'gen_ai.response.finish_reasons', '["stop"]', 'server.address', 'api.openai.com'), map('step', toString(part))),
    map('service.name', 'bench', 'telemetry.sdk.language', 'python', 'service.version', '1.0'),
    fromUnixTimestamp64Micro(intDiv(toUnixTimestamp64Nano(start), 1000))
FROM numbers(({last:UInt64} - {first:UInt64} + 1) * {records:UInt64} * {runs:UInt64} * 9)
