"""Experiments. `EVALUATING` is the only sign that a run is over; whether it went well, it does not say.

A name may be given to several, so the one that is unique here gets an addition where it must; the name
as given is the logical one. Without a name an experiment is called as its pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.gentrace import extras, places, wire
from evalspan.api.operation import Operation
from evalspan.api.scope import catalog, store
from evalspan.errors import ConflictError
from evalspan.experiments import Experiment, NewExperiment
from evalspan.model import ExperimentStatus, Json

KIND: Final = "gentrace_experiment"
Status = Literal["GENERATING", "EVALUATING"]
_STATUSES: Final[dict[Status, ExperimentStatus]] = {"GENERATING": "running", "EVALUATING": "completed"}


class NewRun(wire.Body):
    pipeline_id: str = places.DEFAULT
    name: str | None = None
    metadata: dict[str, Json] | None = None


class RunChange(wire.Body):
    name: str | None = None
    metadata: dict[str, Json] | None = None
    status: Status | None = None


def shown(request: Request, experiments: Iterable[Experiment]) -> list[dict[str, Any]]:
    """Experiments as answers hold them. The client joins `resourcePath` to its address as it is."""
    found = list(experiments)
    more = extras.of(store(request), KIND, [each.experiment_id for each in found])
    return [_shown(each, more.get(each.experiment_id, {})) for each in found]


def _shown(experiment: Experiment, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": experiment.experiment_id,
        "pipelineId": experiment.project_id,
        "createdAt": wire.moment(experiment.created_at),
        "updatedAt": wire.moment(experiment.updated_at),
        "name": None if more.get("unnamed") else experiment.experiment,
        "metadata": experiment.metadata or None,
        "resourcePath": f"/experiments/{experiment.experiment_id}",
        "status": "GENERATING" if experiment.status == "running" else "EVALUATING",
    }


async def create(request: Request) -> Response:
    return await wire.answered(request, NewRun, _create)


def _create(request: Request, body: NewRun) -> dict[str, Any]:
    project = places.resolve(request, body.pipeline_id)
    experiment = catalog(request).experiments.create(
        NewExperiment(
            project_id=project.project_id,
            name=body.name or project.name,
            metadata=body.metadata or {},
            status="running",
        )
    )
    if not body.name:
        fields = {"unnamed": True}
        extras.set_fields(store(request), KIND, experiment.experiment_id, project.project_id, fields)
    return shown(request, [experiment])[0]


async def change(request: Request) -> Response:
    return await wire.answered(request, RunChange, _change)


def _change(request: Request, body: RunChange) -> dict[str, Any]:
    experiments = catalog(request).experiments
    current = experiments.get(request.path_params["experiment_id"])
    metadata = body.metadata or {} if "metadata" in body.model_fields_set else None
    changed = experiments.update(
        current.experiment_id,
        metadata=metadata,
        status=_STATUSES[body.status] if body.status else None,
    )
    if body.name:
        changed = _rename(request, changed, body.name)
    return shown(request, [changed])[0]


def _rename(request: Request, experiment: Experiment, name: str) -> Experiment:
    experiments = catalog(request).experiments
    identity = experiment.experiment_id
    try:
        changed = experiments.update(identity, name=name, experiment=name)
    except ConflictError:
        changed = experiments.update(identity, name=f"{name}-{identity[:8]}", experiment=name)
    extras.set_fields(store(request), KIND, identity, changed.project_id, {"unnamed": False})
    return changed


def retrieve(request: Request) -> Response:
    found = catalog(request).experiments.get(request.path_params["experiment_id"])
    return wire.one(shown(request, [found])[0])


def listing(request: Request) -> Response:
    """Newest first, all of them: the client knows no pages."""
    project_id = places.wanted(request)
    if project_id is None:
        return wire.many([])
    found = wire.every(
        lambda cursor, limit: catalog(request).experiments.find(
            project_id=project_id, cursor=cursor, limit=limit
        )
    )
    return wire.many(shown(request, found))


OPERATIONS = (
    Operation("POST", "/experiments", "Begin an experiment.", create),
    Operation("GET", "/experiments", "List experiments.", listing),
    Operation("GET", "/experiments/{experiment_id}", "Get an experiment.", retrieve),
    Operation("POST", "/experiments/{experiment_id}", "Change an experiment.", change),
)
