"""The bytes of one answer, kept while they pass.

What is kept, and what it decodes to, is bounded whatever the provider sends: the app's own memory is
not ours to fill.
"""

from __future__ import annotations

import re

import httpx

MAX_BODY = 32 * 1024 * 1024  # a longer answer passes by unread, so that a copy never fills the memory
# How much of an encoded body is decoded at a time. One piece makes at most some 20 MB: gzip grows a
# thousandfold, zstd 30,000-fold, and 405 bytes of brotli held half a gibibyte.
_PIECES = {"gzip": 16 * 1024, "deflate": 16 * 1024, "zstd": 64}
_PIECE = 16
# The last event, where a wire has one: OpenAI's chat; Anthropic, Cohere, OpenAI's responses.
_DONE = re.compile(rb"(?m)^data: ?\[DONE\]")
_LAST = re.compile(
    rb"(?m)^event: ?(?:message_stop|message-end|response\.(?:completed|incomplete|failed))\r?$"
)
_LONGEST_MARK = len("event: response.incomplete\r\n")


class Body:
    """What is kept of one answer."""

    def __init__(self) -> None:
        self.is_too_long = False
        self._kept = bytearray()
        self._last_event_began = False

    def take(self, chunk: bytes) -> None:
        """Keep some more of it."""
        if self.is_too_long:
            return
        self._kept += chunk
        if len(self._kept) > MAX_BODY:
            self.is_too_long = True
            self._kept = bytearray()

    def is_complete(self, newest: int) -> bool:
        """Whether events of a stream end with the one that says so, given how many bytes are new.

        Nothing comes after it, no token counts either. A client may stop reading there, as litellm
        does, so that nobody sees the end of the stream itself.
        """
        start = max(0, len(self._kept) - newest - _LONGEST_MARK)
        # A plain search first: most chunks have neither, and it takes a third of the time.
        if self._kept.find(b"[DONE]", start) >= 0 and _DONE.search(self._kept, start):
            return True
        if not self._last_event_began and self._kept.find(b"event:", start) >= 0:
            self._last_event_began = _LAST.search(self._kept, start) is not None
        return self._last_event_began and self._kept.endswith((b"\n\n", b"\r\n\r\n"))

    def decoded(self, encoding: str) -> bytes:
        """The body without its content encoding (gzip and so on), by httpx's own decoders.

        Raises:
            ValueError: decoded, it would be longer than what is read: a little gzip can hold gigabytes.
        """
        encoding = encoding.strip().lower()
        if encoding in ("", "identity"):
            return bytes(self._kept)
        if "," in encoding:  # a thousand times a thousand
            raise ValueError(f"encoded more than once: {encoding!r}")
        size = _PIECES.get(encoding, _PIECE)
        pieces = (bytes(self._kept[at : at + size]) for at in range(0, len(self._kept), size))
        decoded = bytearray()
        for piece in httpx.Response(200, headers={"content-encoding": encoding}, content=pieces).iter_bytes():
            decoded += piece
            if len(decoded) > MAX_BODY:
                raise ValueError(f"more than {MAX_BODY} bytes when decoded")
        return bytes(decoded)
