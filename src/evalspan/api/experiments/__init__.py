"""The Experiments API: the HTTP surface of the seeds, at `/api/v2/llm-obs/v1` (and `/api/unstable/...`)."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from evalspan.api.experiments import datasets, experiments, projects

PREFIXES = ("/api/v2/llm-obs/v1", "/api/unstable/llm-obs/v1")


def routes() -> list[BaseRoute]:
    """The same routes under both prefixes: one client uses both."""
    inner = [*projects.routes(), *experiments.routes(), *datasets.routes()]
    return [Mount(prefix, routes=inner) for prefix in PREFIXES]
