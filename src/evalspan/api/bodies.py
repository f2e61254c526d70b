"""What every request body meets before a face reads it: its content coding, its size, and room for it.

A body counts against EVALSPAN_MAX_PENDING_BYTES from its first byte until the answer, whatever face it
is for. A coding other than gzip and deflate is refused unread: ten bytes of Brotli can hold 16 MB.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evalspan.api.refusal import refusal
from evalspan.errors import CodingError, EvalspanError
from evalspan.ingest import CODINGS, Budget, share_of_request, too_large


class Bodies:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, budget: Budget, limit: int) -> None:
        """`limit`: bytes of a body as it is sent."""
        self._app = app
        self._budget = budget
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(Headers(scope=scope))
        except EvalspanError as error:
            await refusal(error, scope)(scope, receive, send)
            return
        size = 0
        with share_of_request(self._budget) as share:

            async def weighed() -> Message:
                nonlocal size
                message = await receive()
                size += len(message.get("body", b""))
                if size > self._limit:
                    raise too_large(self._limit)
                share.take(len(message.get("body", b"")))
                return message

            await self._app(scope, weighed, send)

    def _check(self, headers: Headers) -> None:
        """Raises CodingError, or TooLargeError where the size that is stated is."""
        coding = headers.get("content-encoding", "").strip().lower()
        if coding and coding not in CODINGS:
            raise CodingError(
                f"Content-Encoding {coding!r} is not one of {', '.join(CODINGS)}. "
                "Send the body in one of these, or as it is."
            )
        stated = headers.get("content-length", "")
        if stated.isdigit() and int(stated) > self._limit:
            raise too_large(self._limit)
