"""OTLP over HTTP: POST /v1/traces, /v1/logs and /v1/metrics, in protobuf and JSON on one port.

Every answer, errors included, is in the encoding of the request.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from evalspan.ingest import body as bodies
from evalspan.ingest import statuses
from evalspan.ingest.receipt import Receipt
from evalspan.ingest.service import Encoding, Ingest
from evalspan.ingest.signals import Signal
from evalspan.ingest.statuses import Refused
from evalspan.settings import Settings

_INLINE: Final = 16 * 1024  # a body so small is decompressed in place, in at most about 20 ms
_MEDIA: Final = {
    "application/x-protobuf": Encoding.PROTOBUF,
    "application/protobuf": Encoding.PROTOBUF,
    "application/json": Encoding.JSON,
}


def otlp_routes(ingest: Ingest, settings: Settings) -> list[Route]:
    """The three paths of OTLP/HTTP."""
    return [
        Route(f"/v1/{signal}", OtlpEndpoint(ingest, settings.max_body_bytes, signal)) for signal in Signal
    ]


def otlp_error(error: Exception, content_type: str) -> Response:
    """The answer to an OTLP request that ended in `error`: a google.rpc.Status in the encoding of
    the request, or in JSON where that is none of ours."""
    failed = statuses.answer(error)
    response = _response(failed.status, _encoding(content_type) or Encoding.JSON, failed.http)
    if failed.http in (429, 503):
        response.headers["Retry-After"] = str(statuses.RETRY_AFTER)
    elif failed.http == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif failed.http == 405:
        response.headers["Allow"] = "POST"
    elif failed.http == 415:
        response.headers["Accept-Encoding"] = ", ".join(bodies.CODINGS)
    return response


class OtlpEndpoint:
    """One signal. An ASGI application, so that wrong methods come here too and are told so in the
    encoding of the request."""

    def __init__(self, ingest: Ingest, limit: int, signal: Signal) -> None:
        self._ingest = ingest
        self._limit = limit
        self._signal = signal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        except Exception as error:
            response = otlp_error(error, request.headers.get("content-type", ""))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method != "POST":
            raise Refused(405, f"{request.method} is not allowed here; OTLP is sent with POST.")
        given = request.headers.get("content-type", "")
        encoding = _encoding(given)
        if encoding is None:
            raise Refused(415, f"Content-Type {given!r} is not one of {', '.join(_MEDIA)}.")
        coding = request.headers.get("content-encoding", "").strip().lower() or bodies.IDENTITY
        if coding not in bodies.CODINGS:
            raise Refused(415, f"Content-Encoding {coding!r} is not one of {', '.join(bodies.CODINGS)}.")
        raw = await request.body()
        if len(raw) > _INLINE and coding != bodies.IDENTITY:
            raw = await asyncio.to_thread(bodies.inflate, raw, coding, self._limit)
        else:
            raw = bodies.inflate(raw, coding, self._limit)
        receipt = await self.take(request, raw, encoding)
        return _response(statuses.response(self._signal, receipt), encoding)

    async def take(self, request: Request, raw: bytes, encoding: Encoding) -> Receipt:
        """What becomes of a body; a vendor's face translates it first."""
        return await self._ingest.export(self._signal, raw, encoding, project=request.state.grant.project)


def _encoding(content_type: str) -> Encoding | None:
    return _MEDIA.get(content_type.partition(";")[0].strip().lower())


def _response(message: Message, encoding: Encoding, status: int = 200) -> Response:
    if encoding is Encoding.JSON:
        form: dict[str, Any] = MessageToDict(message)
        return Response(orjson.dumps(form), status, media_type=encoding.value)
    return Response(message.SerializeToString(), status, media_type=encoding.value)
