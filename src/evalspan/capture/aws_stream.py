"""AWS's binary event stream, in which Bedrock streams its answers.

https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html. Lengths, headers, payload, checksum;
the checksums are the client's to check. What broke off in the middle of a message ends the events.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from evalspan.capture.trouble import note
from evalspan.model import Json

_PRELUDE = struct.Struct(">III")  # total length, length of the headers, checksum of both
_CHECKSUM = 4
_STRING = 7
# The bytes that a header value of each type has; bytes (6) and strings (7) say their length.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


def events(body: bytes) -> Iterator[Json]:
    """`{event type: payload}` of each message; a failure is an `error` with its code."""
    at = 0
    while at + _PRELUDE.size <= len(body):
        total, in_headers, _ = _PRELUDE.unpack_from(body, at)
        start, end = at + _PRELUDE.size + in_headers, at + total - _CHECKSUM
        if at + total > len(body) or end < start:
            return
        yield from _event(_headers(body[at + _PRELUDE.size : start]), body[start:end])
        at += total


def _event(headers: dict[str, str], payload: bytes) -> Iterator[Json]:
    failed = headers.get(":exception-type") or headers.get(":error-code")
    if failed:
        yield {"error": {"code": failed}}
        return
    try:
        yield {headers.get(":event-type", ""): json.loads(payload)}
    except ValueError as error:
        note("unreadable event in a stream", error)


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are strings."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        name, kind = data[at + 1 : name_end].decode(), data[name_end]
        at = name_end + 1
        if kind in _SIZES:
            at += _SIZES[kind]
            continue
        size = int.from_bytes(data[at : at + 2])
        if kind == _STRING:
            found[name] = data[at + 2 : at + 2 + size].decode()
        at += 2 + size
    return found
