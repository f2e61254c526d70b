"""OTLP/protobuf from bytes.

One broken item (a string that is not UTF-8, a value nested too deep) makes the parser refuse the
whole message. Its neighbours are kept: the message is then taken apart along its length-delimited
fields, and only the items that do not parse by themselves are rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from evalspan.errors import UsageError
from evalspan.ingest.receipt import Findings
from evalspan.ingest.signals import PARTS, Parts, Signal

# Field numbers, the same in all three signals: https://github.com/open-telemetry/opentelemetry-proto
_GROUPS: Final = 1  # of the request: resource_spans, resource_logs, resource_metrics
_NESTED: Final = 2  # of a group: scope_spans ...; of a scope group: spans ...
_DATA: Final = (5, 7, 9, 10, 11)  # of a metric: gauge, sum, histogram, exponential_histogram, summary
_POINTS: Final = 1  # of each of them
_UNREADABLE: Final = "it is not valid protobuf (broken UTF-8, nested too deep or cut off)"


class Undecodable(UsageError):
    """The request body is not the message that it should be."""


def parse(signal: Signal, body: bytes, findings: Findings) -> Any:
    """The export request in `body`.

    Raises:
        Undecodable: it is no such message, or not one of its items can be read.
    """
    parts = PARTS[signal]
    request = parts.request()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return _salvage(parts, body, findings)
    return request


def _salvage(parts: Parts, body: bytes, findings: Findings) -> Any:
    request = parts.request()
    try:
        kept = sum(_salvage_group(parts, raw, request, findings) for raw in _fields(body, _GROUPS))
    except ValueError as error:
        raise Undecodable(f"The body is not an {request.DESCRIPTOR.name}: {error}.") from None
    if not kept:
        raise Undecodable(f"The body is not an {request.DESCRIPTOR.name} of which any item could be read.")
    return request


def _salvage_group(parts: Parts, raw: bytes, request: Any, findings: Findings) -> int:
    """Read one group (resource) into the request; how many items were kept."""
    groups = getattr(request, parts.groups)
    group = _parse_into(groups, _without(raw))
    kept = 0
    weigh = _points if parts is PARTS[Signal.METRICS] else _one
    for raw_scope in _fields(raw, _NESTED):
        scope_group = group and _parse_into(getattr(group, parts.scope_groups), _without(raw_scope))
        for number, raw_item in enumerate(_fields(raw_scope, _NESTED)):
            if scope_group and _parse_into(getattr(scope_group, parts.items), raw_item):
                kept += 1
            else:
                example = f"number {number} in its scope, of {len(raw_item)} bytes"
                findings.reject(_UNREADABLE, example, weigh(raw_item))
    return kept


def _parse_into(items: Any, raw: bytes) -> Any:
    """One more item of a repeated field, or None. Read in place: a copy may nest too deep where the
    item alone does not."""
    item = items.add()
    try:
        item.ParseFromString(raw)
    except DecodeError:
        del items[-1]
        return None
    return item


def _one(_: bytes) -> int:
    return 1


def _points(metric: bytes) -> int:
    """How many data points a metric has that cannot be read."""
    try:
        kinds = [metric[start:end] for field, _, start, end in _walk(metric) if field in _DATA]
        return max(1, sum(1 for kind in kinds for _ in _fields(kind, _POINTS)))
    except ValueError:
        return 1


def _fields(raw: bytes, number: int) -> Iterator[bytes]:
    """The contents of every length-delimited field of this number."""
    return (raw[start:end] for field, _, start, end in _walk(raw) if field == number)


def _without(raw: bytes) -> bytes:
    """A message less its nested items."""
    return b"".join(raw[first:end] for field, first, _, end in _walk(raw) if field != _NESTED)


def _walk(raw: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(field number, offset, offset of the content, end) of each field. Fields that are not
    length-delimited have the number 0, which no field has."""
    at = 0
    while at < len(raw):
        first = at
        tag, at = _varint(raw, at)
        match tag & 7:
            case 0:
                _, end = _varint(raw, at)
            case 1:
                end = at + 8
            case 2:
                size, at = _varint(raw, at)
                end = at + size
            case 5:
                end = at + 4
            case wire_type:
                raise ValueError(f"wire type {wire_type} at byte {first}")
        if end > len(raw):
            raise ValueError(f"the field at byte {first} ends beyond the message")
        yield (tag >> 3 if tag & 7 == 2 else 0), first, at, end
        at = end


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(raw) and shift < 64:
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise ValueError(f"a number that does not end at byte {at}")
