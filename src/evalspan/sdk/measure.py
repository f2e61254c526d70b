"""How many bytes telemetry takes on the wire, nearly, and making it fit to be sent at all.

A string with half a surrogate pair or an integer over 64 bits has no OTLP encoding: the stock
encoder would leave the whole attribute out with a log line, so such values are replaced before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

# Ids, times, name, kind, status: what every item has beside its attributes.
_BASE = 128
_KEY_OVERHEAD = 8
_MAX_INT = 2**63


def span_size(span: ReadableSpan) -> int:
    """The encoded size of a span.

    Raises:
        UnicodeEncodeError, OverflowError: one of its attributes has no encoding; `sendable` helps.
    """
    size = _BASE + len(span.name) + _mapping_size(span.attributes)
    for event in span.events:
        size += 16 + len(event.name) + _mapping_size(event.attributes)
    for link in span.links:
        size += 32 + _mapping_size(link.attributes)
    return size


def log_size(record: ReadableLogRecord) -> int:
    """The encoded size of a log record."""
    return _BASE + _mapping_size(record.log_record.attributes) + _size(record.log_record.body)


def sendable(value: Any) -> Any:
    """The value, with what cannot be encoded replaced: `?` for half a surrogate, text for a huge int."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int) and not -_MAX_INT <= value < _MAX_INT:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): sendable(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [sendable(item) for item in cast("Sequence[Any]", value)]
    return value


def _mapping_size(values: Mapping[str, Any] | None) -> int:
    return sum(_KEY_OVERHEAD + len(key) + _size(value) for key, value in (values or {}).items())


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, int):
        if not -_MAX_INT <= value < _MAX_INT:
            raise OverflowError(f"{value} is over 64 bits")
        return 9
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return _mapping_size(cast("Mapping[str, Any]", value))
    if isinstance(value, Sequence):
        return sum(4 + _size(item) for item in cast("Sequence[Any]", value))
    return 9
