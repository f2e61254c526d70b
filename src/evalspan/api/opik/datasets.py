"""`datasets`: a dataset of ours, what it has beside (type, tags, visibility) in its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number, text
from evalspan.api.opik import places, versions
from evalspan.api.opik.listing import every, slice_with
from evalspan.api.opik.projects import Ids, Name
from evalspan.api.opik.wire import Body, answer, nothing, read
from evalspan.api.scope import catalog
from evalspan.errors import ConflictError, UsageError
from evalspan.experiments import Dataset
from evalspan.experiments.entity import Moment

_OWN: Final = "opik"
Tags = Annotated[list[str], Field(max_length=100)]


class DatasetBody(Body):
    name: Name
    id: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    description: str | None = None
    type: Literal["dataset", "evaluation_suite"] = "dataset"
    visibility: Literal["private", "public"] = "private"
    tags: Tags | None = None


class DatasetPut(Body):
    name: Name
    description: str | None = None
    visibility: Literal["private", "public"] | None = None
    tags: Tags | None = None


class DatasetName(Body):
    dataset_name: str = Field(min_length=1)
    project_name: str | None = None


class DatasetAnswer(BaseModel):
    id: str
    name: str
    project_id: str
    description: str
    type: str = "dataset"
    visibility: str = "private"
    tags: list[str] = []
    dataset_items_count: int
    latest_version: dict[str, Any] | None = None
    created_at: Moment
    last_updated_at: Moment


def find(request: Request) -> Response:
    query, datasets = request.query_params, catalog(request).datasets
    wanted, project_id = query.get("name", "").lower(), query.get("project_id", "")
    found = every(lambda cursor, limit: datasets.find(project_id=project_id, cursor=cursor, limit=limit))
    matching = [each for each in found if wanted in each.name.lower()]
    return slice_with(request, matching, lambda page: render(request, page))


async def create(request: Request) -> Response:
    body = await read(request, DatasetBody)
    made = await run_in_threadpool(_create, request, body)
    return nothing(201, location=f"{request.url}/{made.dataset_id}")


def _create(request: Request, body: DatasetBody) -> Dataset:
    if body.id:
        raise UsageError("The service gives datasets their ids; leave `id` out.", pointer="/id")
    project = places.project(request, body.project_name, body.project_id)
    datasets = catalog(request).datasets
    if datasets.find(project_id=project.project_id, name=body.name, limit=1).items:
        raise ConflictError(f"There is a dataset {body.name!r} in project {project.name!r} already.")
    own = body.model_dump(include={"type", "visibility", "tags"}, exclude_none=True)
    return datasets.get_or_create(project.project_id, body.name, body.description or "", {_OWN: own})


async def retrieve(request: Request) -> Response:
    body = await read(request, DatasetName)
    return answer(await run_in_threadpool(lambda: render(request, [_named(request, body)])[0]))


def get(request: Request) -> Response:
    return answer(render(request, [catalog(request).datasets.get(request.path_params["id"])])[0])


async def update(request: Request) -> Response:
    body = await read(request, DatasetPut)
    await run_in_threadpool(_update, request, body)
    return nothing()


def _update(request: Request, body: DatasetPut) -> None:
    datasets, identity = catalog(request).datasets, request.path_params["id"]
    metadata = datasets.get(identity).metadata
    own = body.model_dump(include={"visibility", "tags"}, exclude_none=True)
    changed = {**metadata, _OWN: {**metadata.get(_OWN, {}), **own}}
    datasets.update(identity, name=body.name, description=body.description, metadata=changed)


def delete(request: Request) -> Response:
    catalog(request).datasets.delete([request.path_params["id"]])
    return nothing()


async def delete_named(request: Request) -> Response:
    body = await read(request, DatasetName)
    await run_in_threadpool(lambda: catalog(request).datasets.delete([_named(request, body).dataset_id]))
    return nothing()


async def delete_many(request: Request) -> Response:
    body = await read(request, Ids)
    await run_in_threadpool(catalog(request).datasets.delete, body.ids)
    return nothing()


def _named(request: Request, body: DatasetName) -> Dataset:
    return places.dataset(request, body.dataset_name, body.project_name)


def render(request: Request, datasets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """Datasets as they are answered; their items are counted in one query."""
    counts = catalog(request).records.counts([each.dataset_id for each in datasets])
    return [_render(each, counts.get(each.dataset_id, 0)) for each in datasets]


def _render(dataset: Dataset, count: int) -> dict[str, Any]:
    newest = dataset.current_version
    found = DatasetAnswer(
        id=dataset.dataset_id,
        name=dataset.name,
        project_id=dataset.project_id,
        description=dataset.description,
        dataset_items_count=count,
        latest_version=versions.summary(dataset, newest) if newest else None,
        created_at=dataset.created_at,
        last_updated_at=dataset.updated_at,
        **dataset.metadata.get(_OWN, {}),
    )
    return found.model_dump(mode="json", exclude_none=True)


BASE: Final = "/v1/private/datasets"
OPERATIONS = (
    Operation(
        "GET", BASE, "List datasets, the newest first.", find,
        (number("page"), number("size"), text("name"), text("project_id")),
    ),
    Operation("POST", BASE, "Create a dataset.", create, body=DatasetBody, status=201),
    Operation(
        "POST", f"{BASE}/retrieve", "The dataset of a name.", retrieve, body=DatasetName, answer=DatasetAnswer
    ),
    Operation("POST", f"{BASE}/delete", "Delete the dataset of a name.", delete_named, body=DatasetName),
    Operation("POST", f"{BASE}/delete-batch", "Delete datasets.", delete_many, body=Ids, status=204),
    Operation("GET", BASE + "/{id}", "One dataset.", get, answer=DatasetAnswer),
    Operation("PUT", BASE + "/{id}", "Change a dataset.", update, body=DatasetPut, status=204),
    Operation("DELETE", BASE + "/{id}", "Delete a dataset.", delete, status=204),
)  # fmt: skip
