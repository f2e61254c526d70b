-- The part of the ingest's work that is the same for every span: ids, times, attributes with their types,
-- and one dialect's names. No scores, no prices, no other dialect, no derived ids, nothing is refused.
INSERT INTO /* table */
    (experiment_id, trace_id, span_id, parent_span_id, run_id, run_iteration, record_id, name, kind,
    span_type, start_time, duration_ns, status, status_message, provider, request_model, response_model,
    response_id, input_tokens, output_tokens, input, output, expected_output, attributes, attribute_types,
    resource_attributes, scope_name, scope_version)
WITH
    a -> multiIf(
        a.value.string_value != '', a.value.string_value,
        a.value.int_value != 0, toString(a.value.int_value),
        a.value.double_value != 0, toString(a.value.double_value),
        a.value.bool_value, 'true',
        a.value.array_value != '', hex(a.value.array_value),
        hex(a.value.kvlist_value)) AS text_of,
    a -> multiIf(
        a.value.string_value != '', '', a.value.int_value != 0, 'int', a.value.double_value != 0, 'double',
        a.value.bool_value, 'bool', a.value.array_value != '', 'array', 'map') AS type_of,
    CAST((arrayMap(a -> a.key, s.attributes), arrayMap(a -> text_of(a), s.attributes)), 'Map(String, String)') AS texts,
    CAST((arrayMap(a -> a.key, s.attributes), arrayMap(a -> type_of(a), s.attributes)), 'Map(String, String)') AS types
SELECT
    texts['evalspan.experiment.id'], lower(hex(s.trace_id)), lower(hex(s.span_id)), lower(hex(s.parent_span_id)),
    texts['evalspan.run.id'], toUInt32OrZero(texts['evalspan.run_iteration']), texts['evalspan.record.id'],
    s.name, toString(s.kind), upper(texts['evalspan.span.type']),
    fromUnixTimestamp64Nano(toInt64(s.start_time_unix_nano)), s.end_time_unix_nano - s.start_time_unix_nano,
    toString(s.status.code), s.status.message,
    texts['gen_ai.provider.name'], texts['gen_ai.request.model'], texts['gen_ai.response.model'],
    texts['gen_ai.response.id'], toUInt64OrNull(texts['gen_ai.usage.input_tokens']),
    toUInt64OrNull(texts['gen_ai.usage.output_tokens']),
    texts['gen_ai.input.messages'], texts['gen_ai.output.messages'], texts['evalspan.expected_output'],
    mapFilter((k, v) -> k NOT IN ('gen_ai.input.messages', 'gen_ai.output.messages', 'evalspan.expected_output'), texts),
    mapFilter((k, v) -> v != '', types),
    CAST((arrayMap(a -> a.key, r.resource.attributes), arrayMap(a -> text_of(a), r.resource.attributes)), 'Map(String, String)'),
    x.scope.name, x.scope.version
FROM
(
    SELECT r, x, arrayJoin(x.spans) AS s
    FROM
    (
        SELECT r, arrayJoin(r.scope_spans) AS x
        FROM (SELECT arrayJoin(resource_spans) AS r FROM file('/* file */', ProtobufSingle, '/* structure */'))
    )
)
