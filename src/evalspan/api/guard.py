"""The door: who may come in, how often, and how many at once, before anything is read.

`/healthz` and `/readyz` ask for no key.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Generator

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from evalspan.access import Grant, Keys
from evalspan.api import rights
from evalspan.api.refusal import refusal
from evalspan.errors import BusyError, EvalspanError, UsageError


class Turnstile:
    """How many reading requests run at once: all together, and of one key."""

    def __init__(self, limit: int, per_key: int) -> None:
        self._limit = limit
        self._per_key = per_key
        self._inside: Counter[str] = Counter()
        self._mutex = threading.Lock()

    @contextlib.contextmanager
    def pass_through(self, key: str) -> Generator[None]:
        """Raises BusyError where there is no room. `key` '' is nobody in particular."""
        with self._mutex:
            if self._inside.total() >= self._limit:
                raise BusyError(
                    f"{self._limit} reading requests run already (EVALSPAN_QUERY_CONCURRENCY). "
                    "Try again shortly."
                )
            if key and self._inside[key] >= self._per_key:
                raise BusyError(
                    f"{self._per_key} reading requests of this API key run already "
                    "(EVALSPAN_QUERY_CONCURRENCY_PER_KEY). Try again shortly."
                )
            self._inside[key] += 1
        try:
            yield
        finally:
            with self._mutex:
                self._inside[key] -= 1
                if not self._inside[key]:
                    del self._inside[key]


class Door:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, keys: Keys, turnstile: Turnstile) -> None:
        self._app = app
        self._keys = keys
        self._turnstile = turnstile

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in rights.OPEN:
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        with contextlib.ExitStack() as inside:
            try:
                grant = self._admit(method, path, Headers(scope=scope))
                if rights.reads(method, path):
                    inside.enter_context(self._turnstile.pass_through(grant.key))
            except EvalspanError as error:
                await refusal(error, scope)(scope, receive, send)
                return
            scope.setdefault("state", {})["grant"] = grant
            await self._app(scope, receive, send)

    def _admit(self, method: str, path: str, headers: Headers) -> Grant:
        grant = self._keys.grant(headers)
        if any(character < " " for character in path):
            # A route's pattern takes a line break at its end for the end; the rules here would not.
            raise UsageError("The path holds a control character.")
        grant.require(rights.needed(method, path))
        if rights.of_the_service(path):
            grant.require_all_projects()
        return grant


def grant_of(request: Request) -> Grant:
    """What the request may do."""
    return request.state.grant
