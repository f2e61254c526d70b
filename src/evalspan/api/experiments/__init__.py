"""The Experiments API: the HTTP surface of the seeds, at `/api/v2/llm-obs/v1` (and `/api/unstable/...`),
and what ddtrace sends beside it. All of it is served below `/evp_proxy/v2` too, where ddtrace finds
a local agent."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from evalspan.api import operation, search
from evalspan.api.datadog import intake
from evalspan.api.experiments import datasets, events, experiments, projects, records

PREFIXES = ("/api/v2/llm-obs/v1", "/api/unstable/llm-obs/v1")
PROXY = "/evp_proxy/v2"
OPERATIONS = (
    *projects.OPERATIONS,
    *experiments.OPERATIONS,
    *search.OPERATIONS,
    *events.OPERATIONS,
    *datasets.OPERATIONS,
    *records.OPERATIONS,
)


def routes() -> list[BaseRoute]:
    """The same routes under both prefixes: one client uses both."""
    inner = [*operation.routes(OPERATIONS), *intake.UNSUPPORTED]
    direct: list[BaseRoute] = [
        *(Mount(prefix, routes=inner) for prefix in PREFIXES),
        *operation.routes(intake.INTAKE),
    ]
    return [*direct, Mount(PROXY, routes=direct)]
