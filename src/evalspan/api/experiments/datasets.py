"""`/datasets`, with and without the project in the path, and their records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import Body, blocking, integer, limit, many, one, read_attributes, resource
from evalspan.errors import UsageError
from evalspan.experiments import Catalog, Dataset, StoredRecord
from evalspan.model import Json, Record


class DatasetBody(Body):
    name: str = Field(min_length=1)
    description: str | None = None
    metadata: dict[str, Json] | None = None


class RecordBody(Body):
    id: str = Field(default="", max_length=128, pattern=r"^[A-Za-z0-9_.:-]*$")
    input: Json
    expected_output: Json = None
    metadata: dict[str, Json] | None = None
    tags: list[str] | None = None

    def record(self) -> Record:
        return Record(
            id=self.id,
            input=self.input,
            expected_output=self.expected_output,
            metadata=self.metadata or {},
            tags=self.tags or [],
        )


class AppendBody(Body):
    records: list[RecordBody]
    deduplicate: bool = True


class BatchBody(Body):
    insert_records: list[RecordBody] = Field(default_factory=list[RecordBody])
    delete_records: list[str] = Field(default_factory=list[str])
    deduplicate: bool = True
    create_new_version: bool = True


def routes() -> list[BaseRoute]:
    paths: list[BaseRoute] = []
    for base in ("/datasets", "/{project_id}/datasets"):
        paths += [
            Route(base, blocking(find), methods=["GET"]),
            Route(base + "/{dataset_id}/records", blocking(find_records), methods=["GET"]),
            Route(base + "/{dataset_id}/records", append_records, methods=["POST"]),
            Route(base + "/{dataset_id}/batch_update", batch_update, methods=["POST"]),
        ]
    paths.append(Route("/{project_id}/datasets", create, methods=["POST"]))
    return paths


def find(request: Request) -> Response:
    query = request.query_params
    page = _catalog(request).datasets.find(
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
        _catalog(request).datasets.get_or_create,
        request.path_params["project_id"],
        body.name,
        body.description or "",
        body.metadata,
    )
    return one(render(dataset))


def find_records(request: Request) -> Response:
    query = request.query_params
    page = _catalog(request).datasets.records(
        request.path_params["dataset_id"],
        version=integer(request, "filter[version]"),
        tags=query.getlist("filter[tags]"),
        cursor=query.get("page[cursor]", ""),
        limit=limit(request, 1000),
    )
    return many(map(render_record, page.items), page.after)


async def append_records(request: Request) -> Response:
    body = await read_attributes(request, AppendBody)
    changed = await _change(request, body.records, deduplicate=body.deduplicate)
    return JSONResponse({"data": {"records": [render_record(record) for record in changed]}})


async def batch_update(request: Request) -> Response:
    body = await read_attributes(request, BatchBody)
    changed = await _change(
        request,
        body.insert_records,
        delete=body.delete_records,
        deduplicate=body.deduplicate,
        new_version=body.create_new_version,
    )
    return many(map(render_record, changed))


async def _change(request: Request, insert: Iterable[RecordBody], **options: Any) -> list[StoredRecord]:
    records = [body.record() for body in insert]
    ids = [record.id for record in records if record.id]
    if len(ids) != len(set(ids)):
        twice = next(record_id for record_id in ids if ids.count(record_id) > 1)
        raise UsageError(f"The record id {twice!r} stands twice in one request.", pointer="/data/attributes")
    return await run_in_threadpool(
        _catalog(request).datasets.change, request.path_params["dataset_id"], insert=records, **options
    )


def _catalog(request: Request) -> Catalog:
    return request.app.state.catalog


def render(dataset: Dataset) -> dict[str, Any]:
    attributes = dataset.model_dump(mode="json", exclude={"dataset_id", "revision"})
    return resource("datasets", dataset.dataset_id, attributes)


def render_record(record: StoredRecord) -> dict[str, Any]:
    fields: BaseModel = record
    attributes = fields.model_dump(mode="json", exclude={"id"})
    return resource("records", record.id, attributes)
