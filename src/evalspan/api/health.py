"""`/healthz`: the process answers. `/readyz`: the store answers too."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import blocking
from evalspan.store import Store, damaged_parts


def routes() -> list[BaseRoute]:
    return [Route("/healthz", alive, methods=["GET"]), Route("/readyz", blocking(ready), methods=["GET"])]


async def alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def ready(request: Request) -> Response:
    """503 (through the error shape) while ClickHouse does not answer; else what the ingest counted, and how
    many parts of the store are lost: it serves what it has, so that is no reason to be taken out."""
    store: Store = request.app.state.store
    store.ping()
    lost = {"damaged_parts": damaged_parts(store)}
    return JSONResponse({"status": "ok", "store": lost, "ingest": asdict(request.app.state.ingest.stats())})
