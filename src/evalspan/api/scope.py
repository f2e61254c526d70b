"""What one request sees: the store and its operations, narrowed to the project of its key."""

from __future__ import annotations

import threading

from starlette.requests import Request

from evalspan.access import Grant
from evalspan.experiments import Catalog
from evalspan.store import Store


class Catalogs:
    """One catalog per project that a key is of, and one for all. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[str, Catalog] = {"": Catalog(store)}
        self._mutex = threading.Lock()

    def of(self, project: str) -> Catalog:
        """Raises UsageError where the store cannot be narrowed."""
        with self._mutex:
            if project not in self._made:
                self._made[project] = Catalog(self._store.within(project))
            return self._made[project]


def grant(request: Request) -> Grant:
    """What the request may do."""
    return request.state.grant


def catalog(request: Request) -> Catalog:
    catalogs: Catalogs = request.app.state.catalogs
    return catalogs.of(grant(request).project)


def everything(request: Request) -> Catalog:
    """Unnarrowed, for what a name is looked up for before the project is there."""
    catalogs: Catalogs = request.app.state.catalogs
    return catalogs.of("")


def store(request: Request) -> Store:
    return catalog(request).store
