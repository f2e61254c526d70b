CREATE OR REPLACE VIEW logs AS
SELECT
    timestamp,
    observed_time,
    service_name,
    severity_number,
    severity_text,
    event_name,
    body,
    body_type,
    trace_id,
    span_id,
    flags,
    scope_name,
    scope_version,
    attributes,
    attribute_types,
    resource_attributes,
    resource_attribute_types,
    dropped_attributes,
    received_at
FROM logs_data FINAL
