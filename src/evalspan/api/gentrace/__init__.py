"""Gentrace's face: what its unmodified client needs behind GENTRACE_BASE_URL=http://HOST:PORT/gentrace/api.

Its client makes links to pages by leaving out the `/api` of that address, so the pages answer below
`/gentrace` too.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from evalspan.api import operation
from evalspan.api.gentrace import datasets, experiments, organizations, pipelines, test_cases
from evalspan.api.gentrace.access import PREFIX
from evalspan.api.gentrace.otlp import Traces
from evalspan.ingest import Ingest
from evalspan.settings import Settings

OPERATIONS = (
    *experiments.OPERATIONS,
    *pipelines.OPERATIONS,
    *datasets.OPERATIONS,
    *test_cases.OPERATIONS,
    *organizations.OPERATIONS,
)


def routes(ingest: Ingest, settings: Settings) -> list[BaseRoute]:
    return [
        Route(f"{PREFIX}/otel/v1/traces", Traces(ingest, settings.max_body_bytes)),
        Mount(f"{PREFIX}/v4", routes=operation.routes(OPERATIONS)),
        Route("/gentrace/experiments/{experiment_id}", experiment_page, methods=["GET"]),
    ]


async def experiment_page(request: Request) -> Response:
    """Where `ExperimentResult.url` leads."""
    return RedirectResponse(request.url.path.removeprefix("/gentrace"))
