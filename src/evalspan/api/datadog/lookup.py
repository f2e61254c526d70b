"""Experiments by id, for the many small requests of one run."""

from __future__ import annotations

import time

from starlette.requests import Request

from evalspan.api.datadog.spans import Lookup
from evalspan.api.scope import catalog, grant
from evalspan.experiments import Catalog, Experiment

_FRESH = 5.0
_LIMIT = 1000


class Experiments:
    """Remembers an experiment for some seconds: what spans take from it hardly changes. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[str, tuple[float, Experiment]] = {}

    def __call__(self, experiment_id: str) -> Experiment | None:
        """The experiment, None where there is none."""
        if not experiment_id:
            return None
        known = self._known.get(experiment_id)
        if known and time.monotonic() - known[0] < _FRESH:
            return known[1]
        found = self._catalog.experiments.find(ids=[experiment_id], limit=1).items
        if not found:
            self._known.pop(experiment_id, None)
            return None
        if len(self._known) >= _LIMIT:
            self._known = {}
        self._known[experiment_id] = (time.monotonic(), found[0])
        return found[0]


def lookup(request: Request) -> Lookup:
    """That of the request's project; each project's outlives the request."""
    lookups: dict[str, Experiments] = request.app.state.lookups
    return lookups.setdefault(grant(request).project, Experiments(catalog(request)))
