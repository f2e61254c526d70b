"""Opik's face: what its unmodified client needs behind OPIK_URL_OVERRIDE=http://HOST:PORT/opik/api.

Every module of this package that serves something has `OPERATIONS`; they are listed here.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from evalspan.api import operation
from evalspan.api.opik import (
    alive,
    bulk,
    comments,
    comparing,
    dataset_items,
    datasets,
    executions,
    experiments,
    links,
    otel,
    projects,
    prompts,
    removing,
    schema,
    scores,
    searching,
    traces,
    versions,
)
from evalspan.api.opik.access import PREFIX

# The first that fits is taken: what has a word at a place stands before what has any id there.
OPERATIONS = (
    *alive.OPERATIONS,
    *schema.OPERATIONS,
    *links.OPERATIONS,
    *scores.OPERATIONS,
    *traces.OPERATIONS,
    *executions.OPERATIONS,
    *bulk.OPERATIONS,
    *comparing.OPERATIONS,
    *searching.OPERATIONS,
    *removing.OPERATIONS,
    *otel.OPERATIONS,
    *projects.OPERATIONS,
    *dataset_items.OPERATIONS,
    *versions.OPERATIONS,
    *datasets.OPERATIONS,
    *comments.OPERATIONS,
    *experiments.OPERATIONS,
    *prompts.OPERATIONS,
)


def routes() -> list[BaseRoute]:
    return [Mount(PREFIX, routes=operation.routes(OPERATIONS)), Mount("/opik", routes=links.PAGES)]
