"""A request body, decompressed within bounds: a few kilobytes of gzip can hold gigabytes."""

from __future__ import annotations

import zlib
from typing import Final

from evalspan.errors import TooLargeError
from evalspan.ingest import budget
from evalspan.ingest.budget import Share
from evalspan.ingest.wire import Undecodable

GZIP: Final = "gzip"
DEFLATE: Final = "deflate"
IDENTITY: Final = "identity"
CODINGS: Final = (GZIP, DEFLATE, IDENTITY)

_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15  # some senders of "deflate" leave out the zlib header
_FIRST_PIECE: Final = 1024


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """The body without its content coding; what it becomes counts for the request that runs.

    Raises:
        TooLargeError: it is larger than `limit`, compressed or not.
        Overloaded: there is no room for what it becomes.
        Undecodable: it is not in this coding, or ends too soon.
    """
    if coding == IDENTITY:
        _check(len(body), limit)
        return body
    parts: list[bytes] = []
    size = at = 0
    share = budget.current()
    while at < len(body):  # gzip allows several members, one after the other
        member, at = _member(body, at, coding, limit - size, share)
        size += sum(map(len, member))
        _check(size, limit)
        parts += member
        if coding != GZIP:
            break
    return b"".join(parts)


def too_large(limit: int) -> TooLargeError:
    """The error for a body over the limit."""
    return TooLargeError(
        f"The request body is larger than {limit} bytes after decompression (EVALSPAN_MAX_BODY_BYTES). "
        "Send smaller batches."
    )


def _member(body: bytes, at: int, coding: str, limit: int, share: Share | None) -> tuple[list[bytes], int]:
    """One member, or a little more than `limit` of it, and where the next begins.

    It is fed in pieces that grow: the decoder copies what it leaves over, and with the whole body at
    once a megabyte of empty members took half a second, and 64 of them an hour.
    """
    decoder = zlib.decompressobj(_window(body[at : at + 2], coding))
    parts: list[bytes] = []
    size, piece = 0, _FIRST_PIECE
    while not decoder.eof and size <= limit:
        fed = body[at : at + piece]
        if not fed:
            raise Undecodable(f"The {coding} body ends too soon.")
        try:
            parts.append(decoder.decompress(fed, limit - size + 1))
        except zlib.error as error:
            raise Undecodable(f"The body is not {coding}: {error}.") from None
        size += len(parts[-1])
        if share is not None:
            share.take(len(parts[-1]))
        at += len(fed)
        piece *= 2
    return parts, at - len(decoder.unused_data)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise too_large(limit)


def _window(start: bytes, coding: str) -> int:
    if coding == GZIP:
        return _GZIP_BITS
    zlib_header = len(start) > 1 and start[0] & 15 == 8 and (start[0] * 256 + start[1]) % 31 == 0
    return _ZLIB_BITS if zlib_header else _RAW_BITS
