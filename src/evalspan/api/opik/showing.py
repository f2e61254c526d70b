"""Experiments as they are answered, with what they came to: for a page of them in a few queries.

`duration` is a number to whoever reads Opik's JSON Schema, and percentiles over traces to Opik's own
clients, which refuse a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request

from evalspan.api.opik import comments, experiment
from evalspan.api.opik.aggregates import Aggregates, aggregates
from evalspan.api.scope import catalog
from evalspan.experiments import Dataset, Experiment

_CLIENTS: Final = ("x-opik-debug-sdk-version", "x-fern-language")


def show(request: Request, experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Each of them as it is answered."""
    store, ids = catalog(request).store, [each.experiment_id for each in experiments]
    if not ids:
        return []
    found, said = aggregates(store, ids), comments.of(store, ids)
    datasets = _datasets(request, {each.dataset_id for each in experiments})
    own_client = any(name in request.headers for name in _CLIENTS)
    answers: list[dict[str, Any]] = []
    for each in experiments:
        identity = each.experiment_id
        came_to = found.get(identity, Aggregates())
        duration = came_to.duration if own_client else came_to.run_duration
        dataset = datasets.get(each.dataset_id)
        answers.append(experiment.render(each, dataset, came_to, said.get(identity, []), duration))
    return answers


def _datasets(request: Request, ids: set[str]) -> dict[str, Dataset]:
    """Those that are still there."""
    found = (catalog(request).datasets.find(dataset_id=each, limit=1).items for each in ids if each)
    return {items[0].dataset_id: items[0] for items in found if items}
