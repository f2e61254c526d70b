"""Opik's ids: UUIDs that its clients make, of version 7, which begin with the time of their making.

A trace's UUID is its OTLP id byte for byte. A span's UUID is twice as long as a span id of OTLP, so
that one is a hash of it; the UUID itself travels as an attribute.
"""

from __future__ import annotations

import secrets
import time
import uuid
from hashlib import blake2b

from evalspan.errors import UsageError


def valid(given: str, pointer: str) -> str:
    """An id as it is written everywhere: in lower case, with dashes.

    Raises:
        UsageError: it is no UUID.
    """
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise UsageError(f"{given[:80]!r} is not a UUID.", pointer=pointer) from None


def trace_id(given: str) -> bytes:
    """The 16 bytes of a trace's UUID."""
    return uuid.UUID(given).bytes


def span_id(given: str) -> bytes:
    """8 bytes that follow from a span's UUID."""
    digest = blake2b(uuid.UUID(given).bytes, digest_size=8).digest()
    return digest if any(digest) else bytes([0] * 7 + [1])


def new() -> str:
    """A UUID of version 7, where the client leaves its making to the service (RFC 9562, 5.7)."""
    random = int.from_bytes(secrets.token_bytes(10))
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | (0x7 << 76) | ((random >> 68) & 0xFFF) << 64 | (0b10 << 62)
    return str(uuid.UUID(int=number | (random & ((1 << 62) - 1))))
