"""`GET /metrics`: the service's own counters, for Prometheus."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from evalspan.api.telemetry import Telemetry
from evalspan.api.telemetry.prometheus import MEDIA_TYPE


def routes() -> list[BaseRoute]:
    return [Route("/metrics", metrics, methods=["GET"])]


async def metrics(request: Request) -> Response:
    """Read in a thread that queries cannot occupy: a busy service is when people look."""
    telemetry: Telemetry = request.app.state.telemetry
    return Response(await asyncio.to_thread(telemetry.exposition), media_type=MEDIA_TYPE)
