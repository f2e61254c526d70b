-- Calls of an app in production, sent to the same store: five to a trace, of no experiment.
INSERT INTO spans_data
    (trace_id, span_id, name, span_type, service_name, start_time, duration_ns, status, provider,
    request_model, input_tokens, output_tokens, total_tokens, attributes, received_at)
WITH
    lower(hex(sipHash128('outside', intDiv(number, 5)))) AS trace,
    cityHash64(trace, number) AS dice,
    fromUnixTimestamp64Nano(toInt64(1767225600000000000 + number * 1000000)) AS start
SELECT
    trace, lower(hex(dice)), 'chat gpt-5-mini', 'LLM', 'production', start, 1000000 * (50 + dice % 2000), 'ok', 'openai',
    'gpt-5-mini', 50 + dice % 450, 5 + dice % 195, 55 + dice % 450 + dice % 195,
    map('gen_ai.operation.name', 'chat', 'server.address', 'api.openai.com'),
    fromUnixTimestamp64Micro(intDiv(toUnixTimestamp64Nano(start), 1000))
FROM numbers({first:UInt64}, {count:UInt64})
