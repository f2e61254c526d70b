"""`experiments`: the entity. Its id is the client's, and its name need not be unique there: ours is made
so, and the given one is the name that runs of one pipeline share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number, text
from evalspan.api.opik import changing, places, versions
from evalspan.api.opik.author import author
from evalspan.api.opik.changing import ExperimentIds
from evalspan.api.opik.experiment import (
    OWN,
    STATUSES,
    ExperimentAnswer,
    ExperimentBody,
    ExperimentPatch,
    own,
    split,
)
from evalspan.api.opik.ids import new
from evalspan.api.opik.listing import every, slice_with
from evalspan.api.opik.showing import show
from evalspan.api.opik.wire import Body, answer, lines, nothing, read
from evalspan.api.scope import catalog
from evalspan.errors import ConflictError, UsageError
from evalspan.experiments import Dataset, Experiment, NewExperiment
from evalspan.model import Json


class Stream(Body):
    name: str
    limit: int = Field(default=500, ge=1, le=2000)
    last_retrieved_id: str | None = None
    project_name: str | None = None


async def create(request: Request) -> Response:
    body = await read(request, ExperimentBody)
    experiment = await run_in_threadpool(_create, request, body)
    await changing.send_scores(request, experiment.experiment_id, body.experiment_scores or [])
    return nothing(201, location=f"{request.url}/{experiment.experiment_id}")


def _create(request: Request, body: ExperimentBody) -> Experiment:
    project = places.project(request, body.project_name, body.project_id)
    dataset = _dataset(request, body)
    version = versions.number_of(dataset, body.dataset_version_id) or None
    metadata, rest = split(body.metadata)
    identity = body.id or new()
    made = catalog(request).experiments.create(
        NewExperiment(
            experiment_id=identity,
            project_id=project.project_id,
            dataset_id=dataset.dataset_id,
            dataset_version=version,
            name=body.name or f"experiment-{identity[-8:]}",
            metadata=metadata,
            config={OWN: {**_own(body), **rest, **dict.fromkeys(changing.AUTHORS, author(request))}},
            tags=body.tags or [],
            status=STATUSES[body.status] if body.status else "",
        )
    )
    if (made.dataset_id, made.project_id) != (dataset.dataset_id, project.project_id):
        raise ConflictError(f"There is an experiment {identity!r} already, of another dataset or project.")
    return made


def _own(body: ExperimentBody) -> dict[str, Json]:
    fields = {
        "type", "evaluation_method", "optimization_id", "prompt_version", "prompt_versions",
        "experiment_scores",
    }  # fmt: skip
    found = body.model_dump(include=fields, exclude_none=True)
    for name in ("prompt_version", "prompt_versions"):
        if name in found:
            found[name] = _links(found[name])
    return found


def _links(given: Any) -> Any:
    """A prompt version is told by `id` when it is written, and by `prompt_version_id` when it is read."""
    if isinstance(given, list):
        return [_links(each) for each in cast("list[Any]", given)]
    return {"prompt_version_id": given["id"], "id": given["id"]}


def _dataset(request: Request, body: ExperimentBody) -> Dataset:
    if body.dataset_name:
        return places.get_or_create_dataset(request, body.dataset_name, body.project_name, body.project_id)
    if body.dataset_id:
        return catalog(request).datasets.get(body.dataset_id)
    raise UsageError("Field required: an experiment is of a dataset.", pointer="/dataset_name")


def get(request: Request) -> Response:
    experiment = catalog(request).experiments.get(request.path_params["id"])
    return answer(show(request, [experiment])[0])


def find(request: Request) -> Response:
    query = request.query_params
    given = as_list(query.get("experiment_ids"), "experiment_ids")
    found = _every(request, query.get("project_id", ""), query.get("datasetId", ""), given)
    wanted, types = query.get("name", "").lower(), as_list(query.get("types"), "types")
    optimization = query.get("optimization_id")
    matching = [
        each
        for each in found
        if wanted in each.experiment.lower()
        and (not types or own(each).get("type", "regular") in types)
        and (not optimization or own(each).get("optimization_id") == optimization)
    ]
    return slice_with(request, matching, lambda page: show(request, page))


async def stream(request: Request) -> Response:
    body = await read(request, Stream)
    return lines(await run_in_threadpool(_stream, request, body))


def _stream(request: Request, body: Stream) -> list[dict[str, Any]]:
    project = places.find_project(request, body.project_name) if body.project_name else None
    if body.project_name and not project:
        return []
    found = _every(request, project.project_id if project else "")
    matching = [
        each
        for each in found
        if body.name.lower() in each.experiment.lower()
        and (not body.last_retrieved_id or each.experiment_id < body.last_retrieved_id)
    ]
    matching.sort(key=lambda each: each.experiment_id, reverse=True)
    return show(request, matching[: body.limit])


def _every(
    request: Request, project_id: str = "", dataset_id: str = "", ids: Sequence[str] = ()
) -> list[Experiment]:
    experiments = catalog(request).experiments
    return list(
        every(
            lambda cursor, limit: experiments.find(
                ids=ids, project_id=project_id, dataset_id=dataset_id, cursor=cursor, limit=limit
            )
        )
    )


def as_list(text: str | None, name: str) -> list[str]:
    """A query parameter that holds a JSON list.

    Raises:
        UsageError: it holds something else.
    """
    if not text:
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise UsageError(f"{name}={text[:80]!r} is not a JSON list.")
    return [str(each) for each in cast("list[Json]", found)]


async def delete(request: Request) -> Response:
    body = await read(request, ExperimentIds)
    await run_in_threadpool(catalog(request).experiments.delete, body.ids)
    return nothing()


BASE: Final = "/v1/private/experiments"
OPERATIONS = (
    Operation("POST", BASE, "Create an experiment.", create, body=ExperimentBody, status=201),
    Operation(
        "GET", BASE, "List experiments, the newest first.", find,
        (
            number("page"), number("size"), text("datasetId"), text("project_id"), text("name"),
            text("types"), text("optimization_id"), text("experiment_ids"),
        ),
    ),
    Operation("POST", f"{BASE}/stream", "Experiments of a name, one a line.", stream, body=Stream),
    Operation("POST", f"{BASE}/delete", "Delete experiments.", delete, body=ExperimentIds, status=204),
    Operation(
        "POST", f"{BASE}/finish", "Experiments are over.", changing.finish, body=ExperimentIds, status=204
    ),
    Operation(
        "PUT", f"{BASE}/cancel", "Experiments are cancelled.", changing.cancel, body=ExperimentIds, status=204
    ),
    Operation(
        "PATCH", f"{BASE}/batch", "Change several.", changing.update_many, body=changing.Batch, status=204
    ),
    Operation("GET", BASE + "/{id}", "One experiment.", get, answer=ExperimentAnswer),
    Operation(
        "PATCH", BASE + "/{id}", "Change an experiment.", changing.update, body=ExperimentPatch, status=204
    ),
)  # fmt: skip
