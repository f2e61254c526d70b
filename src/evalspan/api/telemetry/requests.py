"""HTTP requests as OpenTelemetry's conventions count them: one histogram of durations.

It stands outside everything, so that what the door turns away counts too. `http.route` is a class of
routes (`/v1/traces`, `/sql`, `/api`, ...), not each template: 80 routes times buckets times statuses
would be more series than anybody reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from opentelemetry.metrics import Histogram, Meter
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.metrics.http_metrics import HTTP_SERVER_REQUEST_DURATION
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evalspan.ingest import SECONDS

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER: Final = "other"


class Requests:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, meter: Meter, paths: Iterable[str]) -> None:
        """`paths`: the templates of the routes that there are."""
        self._app = app
        self._known = {_route_class(path) for path in paths}
        self._durations: Histogram = meter.create_histogram(
            HTTP_SERVER_REQUEST_DURATION,
            "s",
            "Time from a request's headers to the last byte of its answer, by class of routes.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        statuses: list[int] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            statuses.append(500)  # what the outermost handler answers, unless an answer had begun
            raise
        finally:
            method, route = scope["method"], _route_class(scope["path"])
            labels: dict[str, str | int] = {
                HTTP_REQUEST_METHOD: method if method in _METHODS else "_OTHER",
                HTTP_ROUTE: route if route in self._known else _OTHER,
            }
            # Without a status the client went away before it was answered.
            labels.update({HTTP_RESPONSE_STATUS_CODE: statuses[0]} if statuses else {ERROR_TYPE: "gone"})
            self._durations.record(time.perf_counter() - began, labels)


def _route_class(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[:3]) if len(parts) > 2 and parts[1] == "v1" else "/".join(parts[:2])
