"""The door: API keys for everything but health, before anything is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from evalspan.access import Keys
from evalspan.api.errors import error_response
from evalspan.errors import AccessError
from evalspan.ingest import otlp_error

_REFUSAL = "This service asks for an API key: send it as 'Authorization: Bearer KEY'."
OPEN = frozenset({"/healthz", "/readyz"})


class Door:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN or self._keys.allow(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith("/v1/"):
            response = otlp_error(AccessError(_REFUSAL), Headers(scope=scope).get("content-type", ""))
        else:
            response = error_response(401, (_REFUSAL, ""))
        response.headers["www-authenticate"] = "Bearer"
        await response(scope, receive, send)
