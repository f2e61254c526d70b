"""Ids of spans and traces as other APIs write them, as OTLP's.

| given                                | becomes                          |
|--------------------------------------|----------------------------------|
| a span id of 16 hex digits           | itself                           |
| a decimal number below 2^64          | its 16 hex digits                |
| a trace id of 32 hex digits, a UUID  | itself, without the dashes       |
| a decimal number below 2^64          | its 32 hex digits                |
| anything else                        | a hash of it, the same each time |
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

_SPAN: Final = re.compile(r"[0-9a-fA-F]{16}")
_TRACE: Final = re.compile(r"[0-9a-fA-F]{32}")
_DECIMAL: Final = re.compile(r"[0-9]{1,20}")
_NOBODY: Final = frozenset({"", "0", "undefined"})


def span_id(given: str) -> bytes:
    """The 8 bytes of a span id; b'' for none."""
    return _bytes(given, _SPAN, 8, given)


def trace_id(given: str) -> bytes:
    """The 16 bytes of a trace id; b'' for none."""
    return _bytes(given, _TRACE, 16, given.replace("-", ""))


def _bytes(given: str, shape: re.Pattern[str], size: int, hexadecimal: str) -> bytes:
    if given in _NOBODY:
        return b""
    if shape.fullmatch(hexadecimal):
        found = bytes.fromhex(hexadecimal)
    elif _DECIMAL.fullmatch(given) and int(given) < 2**64:
        found = int(given).to_bytes(size)
    else:
        found = blake2b(given.encode(), digest_size=size).digest()
    return found if any(found) else blake2b(given.encode(), digest_size=size).digest()
