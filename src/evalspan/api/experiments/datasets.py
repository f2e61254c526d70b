"""`/datasets`, with and without the project in the path."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.envelope import (
    Body,
    Envelope,
    Many,
    One,
    limit,
    many,
    nothing,
    one,
    read_attributes,
    resource,
)
from evalspan.api.experiments.projects import Name
from evalspan.api.operation import PAGE, Operation, text
from evalspan.api.scope import catalog
from evalspan.experiments import Dataset
from evalspan.experiments.entity import Moment
from evalspan.model import Json


class DatasetBody(Body):
    name: Name
    description: str | None = None
    metadata: dict[str, Json] | None = None


class DatasetPatch(Body):
    name: Name | None = None
    description: str | None = None
    metadata: dict[str, Json] | None = None


class DatasetIds(Body):
    dataset_ids: list[str] = Field(min_length=1)
    type: Literal["soft"] = Field(default="soft", description="Deleted datasets are hidden, not erased.")


class DatasetAttributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    project_id: str
    name: str
    description: str
    metadata: dict[str, Json]
    current_version: int
    created_at: Moment
    updated_at: Moment


def find(request: Request) -> Response:
    query = request.query_params
    page = catalog(request).datasets.find(
        project_id=request.path_params.get("project_id", ""),
        dataset_id=query.get("filter[id]", ""),
        name=query.get("filter[name]", ""),
        cursor=query.get("page[cursor]", ""),
        limit=limit(request, 100),
    )
    return many(map(render, page.items), page.after)


async def create(request: Request) -> Response:
    body = await read_attributes(request, DatasetBody)
    dataset = await run_in_threadpool(
        catalog(request).datasets.get_or_create,
        request.path_params["project_id"],
        body.name,
        body.description or "",
        body.metadata,
    )
    return one(render(dataset))


async def update(request: Request) -> Response:
    body = await read_attributes(request, DatasetPatch)
    datasets, identity = catalog(request).datasets, request.path_params["dataset_id"]
    return one(render(await run_in_threadpool(lambda: datasets.update(identity, **body.model_dump()))))


async def delete(request: Request) -> Response:
    body = await read_attributes(request, DatasetIds)
    await run_in_threadpool(catalog(request).datasets.delete, body.dataset_ids)
    return nothing()


def render(dataset: Dataset) -> dict[str, Any]:
    attributes = DatasetAttributes.model_validate(dataset).model_dump(mode="json")
    return resource("datasets", dataset.dataset_id, attributes)


def _operations(base: str) -> list[Operation]:
    return [
        Operation(
            "GET", base, "List datasets, the newest first.", find,
            (text("filter[id]"), text("filter[name]"), *PAGE), answer=Many[DatasetAttributes],
        ),
        Operation(
            "PATCH", base + "/{dataset_id}", "Change some fields of a dataset; its version stays.", update,
            body=Envelope[DatasetPatch], answer=One[DatasetAttributes], refusals=(400, 404, 409),
        ),
        Operation(
            "POST", base + "/delete", "Delete datasets.", delete,
            body=Envelope[DatasetIds], refusals=(400, 404),
        ),
    ]  # fmt: skip


BASES = ("/datasets", "/{project_id}/datasets")
OPERATIONS = (
    *(operation for base in BASES for operation in _operations(base)),
    Operation(
        "POST", "/{project_id}/datasets", "Create a dataset, or get the one of that name.", create,
        body=Envelope[DatasetBody], answer=One[DatasetAttributes], refusals=(400, 404),
    ),
)  # fmt: skip
