-- Two branches, so that a filter on experiment_id prunes by primary key in each: spans that state their
-- experiment, and spans that find it through the case of their trace, or have none. Of the join, the
-- experiment is a bare column: a filter on it makes an inner join of it, and prunes both sides.
CREATE OR REPLACE VIEW spans AS
SELECT
    experiment_id, run_id, run_iteration, record_id, trace_id, span_id, parent_span_id, name, kind,
    span_type, evaluator, service_name, start_time, duration_ns, status, status_message, error_type,
    provider, request_model, response_model, response_id, finish_reasons, input_tokens, output_tokens,
    total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, cost_source,
    time_to_first_token, input, output, attributes, attribute_types, resource_attributes,
    resource_attribute_types, scope_name, scope_version, scope_attributes, scope_attribute_types, events,
    links, session_id, user_id, dialect, trace_state, flags, dropped_attributes, dropped_events,
    dropped_links, received_at
FROM stated_spans
UNION ALL
SELECT
    c.experiment_id, c.run_id, c.run_iteration, c.record_id,
    s.trace_id, s.span_id, s.parent_span_id, s.name, s.kind, s.span_type, s.evaluator, s.service_name,
    s.start_time, s.duration_ns, s.status, s.status_message, s.error_type, s.provider, s.request_model,
    s.response_model, s.response_id, s.finish_reasons, s.input_tokens, s.output_tokens, s.total_tokens,
    s.cache_read_tokens, s.cache_write_tokens, s.reasoning_tokens, s.cost_usd, s.cost_source,
    s.time_to_first_token, s.input, s.output, s.attributes, s.attribute_types, s.resource_attributes,
    s.resource_attribute_types, s.scope_name, s.scope_version, s.scope_attributes, s.scope_attribute_types,
    s.events, s.links, s.session_id, s.user_id, s.dialect, s.trace_state, s.flags, s.dropped_attributes,
    s.dropped_events, s.dropped_links, s.received_at
FROM (SELECT *, if(trace_id IN (SELECT trace_id FROM shared_traces), span_id, '') AS part FROM spans_data FINAL WHERE experiment_id = '') AS s
LEFT JOIN trace_cases AS c ON c.trace_id = s.trace_id AND c.span_id = s.part AND c.sender = s.project
