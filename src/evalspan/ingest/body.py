"""A request body, decompressed within bounds: a few kilobytes of gzip can hold gigabytes."""

from __future__ import annotations

import zlib
from typing import Final

from evalspan.errors import TooLargeError
from evalspan.ingest.wire import Undecodable

GZIP: Final = "gzip"
DEFLATE: Final = "deflate"
IDENTITY: Final = "identity"
CODINGS: Final = (GZIP, DEFLATE, IDENTITY)

_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15  # some senders of "deflate" leave out the zlib header


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """The body without its content coding.

    Raises:
        TooLargeError: it is larger than `limit`, compressed or not.
        Undecodable: it is not in this coding, or ends too soon.
    """
    if coding == IDENTITY:
        _check(len(body), limit)
        return body
    parts: list[bytes] = []
    size = 0
    rest = body
    while rest:  # gzip allows several members, one after the other
        decoder = zlib.decompressobj(_window(rest, coding))
        try:
            part = decoder.decompress(rest, limit - size + 1)
        except zlib.error as error:
            raise Undecodable(f"The body is not {coding}: {error}.") from None
        size += len(part)
        _check(size, limit)
        if not decoder.eof:
            raise Undecodable(f"The {coding} body ends too soon.")
        parts.append(part)
        rest = decoder.unused_data if coding == GZIP else b""
    return b"".join(parts)


def too_large(limit: int) -> TooLargeError:
    """The error for a body over the limit."""
    return TooLargeError(
        f"The request body is larger than {limit} bytes after decompression (EVALSPAN_MAX_BODY_BYTES). "
        "Send smaller batches."
    )


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise too_large(limit)


def _window(data: bytes, coding: str) -> int:
    if coding == GZIP:
        return _GZIP_BITS
    zlib_header = len(data) > 1 and data[0] & 15 == 8 and (data[0] * 256 + data[1]) % 31 == 0
    return _ZLIB_BITS if zlib_header else _RAW_BITS
