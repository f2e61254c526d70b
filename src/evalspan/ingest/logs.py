"""Log records, from OTLP to rows; the records that are scores become evaluations instead.

A log record may lack a trace and even a time, so it is rejected only when its time or its ids do not
fit their columns. A severity that no OTLP has becomes 0, with the stated one in an attribute.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from evalspan import attributes as names
from evalspan.ingest import evaluations, values
from evalspan.ingest.batch import MAX_NS, Batch
from evalspan.ingest.dialect import View

TABLE: Final = "logs_data"
COLUMNS: Final = (
    "timestamp", "content_hash", "observed_time", "trace_id", "span_id", "flags", "severity_number",
    "severity_text", "event_name", "body", "body_type", "attributes", "attribute_types", "dropped_attributes",
    "service_name", "resource_attributes", "resource_attribute_types", "scope_name", "scope_version",
)  # fmt: skip

_MAX_SEVERITY: Final = 255  # of the column; OTLP itself ends at 24

Shared = tuple[str, dict[str, str], dict[str, str], str, str]


def decode(request: ExportLogsServiceRequest, batch: Batch) -> None:
    """Add every good record of a request to the batch."""
    for group in request.resource_logs:
        resource, resource_types = values.encode_all(group.resource.attributes)
        service_name = resource.get(names.SERVICE_NAME, "")
        origin = group.resource.SerializeToString(deterministic=True)
        for scope_group in group.scope_logs:
            scope = scope_group.scope
            shared: Shared = (service_name, resource, resource_types, scope.name, scope.version)
            seed = blake2b(origin + scope.SerializeToString(deterministic=True)).digest()
            for record in scope_group.log_records:
                if _acceptable(record, batch) and _add(record, shared, seed, batch):
                    batch.accepted += 1


def _acceptable(record: LogRecord, batch: Batch) -> bool:
    if len(record.trace_id) not in (0, 16):
        reason = "trace_id must be 16 bytes or absent"
    elif len(record.span_id) not in (0, 8):
        reason = "span_id must be 8 bytes or absent"
    elif max(record.time_unix_nano, record.observed_time_unix_nano) > MAX_NS:
        reason = "the time is after 2262-04-11"
    else:
        return True
    example = (
        f"log record {record.event_name!r}: trace_id={record.trace_id.hex()!r}, "
        f"span_id={record.span_id.hex()!r}, time_unix_nano={record.time_unix_nano}"
    )
    batch.findings.reject(reason, example)
    return False


def _add(record: LogRecord, shared: Shared, seed: bytes, batch: Batch) -> bool:
    texts, types = values.encode_all(record.attributes)
    event_name = record.event_name or texts.get(names.EVENT_NAME, "")
    timestamp = record.time_unix_nano or record.observed_time_unix_nano
    trace_id = record.trace_id.hex() if any(record.trace_id) else ""
    span_id = record.span_id.hex() if any(record.span_id) else ""
    if event_name == names.EVALUATION_RESULT:
        view = View(texts, types, [], timestamp)
        if evaluations.add(batch, view, trace_id, span_id, shared[0]):
            return True
        batch.findings.reject(evaluations.NAMELESS, f"in trace {trace_id or '(none)'}")
        return False
    body, body_type = values.encode(record.body) if record.HasField("body") else ("", "")
    content = blake2b(record.SerializeToString(deterministic=True), digest_size=8, key=seed)
    row = (
        timestamp,
        int.from_bytes(content.digest()),
        record.observed_time_unix_nano,
        trace_id,
        span_id,
        record.flags,
        _severity(record, texts, types, batch),
        record.severity_text,
        event_name,
        body,
        body_type,
        texts,
        types,
        record.dropped_attributes_count,
    )
    batch.add(TABLE, (*row, *shared))
    return True


def _severity(record: LogRecord, texts: dict[str, str], types: dict[str, str], batch: Batch) -> int:
    number = record.severity_number
    if 0 <= number <= _MAX_SEVERITY:
        return number
    texts[names.STATED_SEVERITY], types[names.STATED_SEVERITY] = str(number), values.INT
    batch.findings.warn(
        "severity_number is not from 0 to 255, so it is stored as 0",
        f"{number} on log record {record.event_name!r}",
    )
    return 0
