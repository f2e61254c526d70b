-- Three scores of each of those cases: a boolean, a number, a label; one in two hundred failed.
INSERT INTO evaluations_data
    (experiment_id, trace_id, span_id, name, source, run_iteration, record_id, project, type, score_value,
    label_value, error, evaluator_type, timestamp, received_at)
WITH
    intDiv(number, {runs:UInt64} * 3) AS record,
    intDiv(number, 3) % {runs:UInt64} AS run,
    number % 3 AS evaluator,
    intDiv(record, {records:UInt64}) + {first:UInt64} AS experiment_number,
    record % {records:UInt64} AS record_number,
    lower(hex(sipHash128('trace', experiment_number, record_number, run))) AS trace,
    cityHash64(trace, evaluator) AS dice,
    dice % 200 = 0 AS failed,
    fromUnixTimestamp64Nano(toInt64(1767225600000000000 + experiment_number * 60000000000 + record_number * 50000000 + run * 17000000)) AS start
SELECT
    lower(hex(sipHash64('experiment', experiment_number))) || '-' || toString(experiment_number),
    trace,
    lower(hex(sipHash64('span', trace))),
    ['exact_match', 'similarity', 'tone'][evaluator + 1],
    'record',
    run + 1,
    'record-' || leftPad(toString(record_number), 5, '0'),
    'bench',
    ['boolean', 'score', 'categorical'][evaluator + 1],
    multiIf(failed OR evaluator = 2, NULL, evaluator = 0, toFloat64(dice % 10 < 7), (dice % 1000) / 1000),
    if(failed OR evaluator != 2, NULL, ['good', 'fair', 'poor'][1 + dice % 3]),
    if(failed, 'it failed', ''),
    'code',
    start,
    fromUnixTimestamp64Micro(intDiv(toUnixTimestamp64Nano(start), 1000))
FROM numbers(({last:UInt64} - {first:UInt64} + 1) * {records:UInt64} * {runs:UInt64} * 3)
