"""Opik's face: what its unmodified client needs behind OPIK_URL_OVERRIDE=http://HOST:PORT/opik/api.

Every module of this package that serves something has `OPERATIONS`; they are listed here.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from evalspan.api import operation
from evalspan.api.opik import alive, dataset_items, datasets, projects, versions
from evalspan.api.opik.access import PREFIX

# The first that fits is taken: what has a word at a place stands before what has any id there.
OPERATIONS = (
    *alive.OPERATIONS,
    *projects.OPERATIONS,
    *dataset_items.OPERATIONS,
    *versions.OPERATIONS,
    *datasets.OPERATIONS,
)


def routes() -> list[BaseRoute]:
    return [Mount(PREFIX, routes=operation.routes(OPERATIONS))]
