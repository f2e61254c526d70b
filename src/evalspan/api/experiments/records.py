"""`/datasets/{dataset_id}/records` and `/batch_update`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.envelope import (
    Body,
    Envelope,
    Many,
    One,
    boolean,
    integer,
    limit,
    many,
    nothing,
    one,
    read_attributes,
    resource,
)
from evalspan.api.experiments import upload
from evalspan.api.experiments.datasets import BASES
from evalspan.api.operation import PAGE, Operation, flag, number, texts
from evalspan.api.scope import catalog
from evalspan.errors import UsageError
from evalspan.experiments import Changed, RecordUpdate, StoredRecord
from evalspan.experiments.entity import Moment
from evalspan.model import Json, Record

_CONTENT = ("input", "expected_output", "metadata")
RecordId = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9_.:-]*$")]


class RecordBody(Body):
    id: RecordId | None = Field(default=None, description="Given by the service where it is empty.")
    input: Json
    expected_output: Json = None
    metadata: dict[str, Json] | None = None
    tags: list[str] | None = None

    def record(self) -> Record:
        return Record(
            id=self.id or "",
            input=self.input,
            expected_output=self.expected_output,
            metadata=self.metadata or {},
            tags=self.tags or [],
        )


class TagOperations(Body):
    """Applied in this order."""

    set: list[str] | None = None
    remove: list[str] | None = None
    add: list[str] | None = None


class RecordPatch(Body):
    """The fields that are given are changed; null is a value here."""

    id: str
    input: Json = None
    expected_output: Json = None
    metadata: dict[str, Json] | None = None
    tags: list[str] | None = None

    def update(self) -> RecordUpdate:
        given = {name: getattr(self, name) for name in _CONTENT if name in self.model_fields_set}
        if given.get("metadata", {}) is None:
            given["metadata"] = {}
        return RecordUpdate(self.id, given, set_tags=self.tags)


class RecordChange(Body):
    """The fields that are not null are changed."""

    id: str
    input: Json = None
    expected_output: Json = None
    metadata: dict[str, Json] | None = None
    tag_operations: TagOperations | None = None

    def update(self) -> RecordUpdate:
        given = {name: getattr(self, name) for name in _CONTENT if getattr(self, name) is not None}
        tags = self.tag_operations or TagOperations()
        return RecordUpdate(self.id, given, tags.set, tags.add or [], tags.remove or [])


class AppendBody(Body):
    records: list[RecordBody]
    deduplicate: bool = True


class PatchBody(Body):
    records: list[RecordPatch]


class RecordIds(Body):
    record_ids: list[str] = Field(min_length=1)


class BatchBody(Body):
    insert_records: list[RecordBody] | None = None
    update_records: list[RecordChange] | None = None
    delete_records: list[str] | None = None
    deduplicate: bool = Field(
        default=True, description="Pass over inserts whose content is there; they are echoed with its id."
    )
    create_new_version: bool = Field(
        default=True, description="False: join the current version, if no experiment ran on it."
    )


class RecordAttributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    dataset_id: str
    input: Json
    expected_output: Json
    metadata: dict[str, Json]
    tags: list[str]
    canonical_id: str
    version: int
    position: int
    created_at: Moment
    updated_at: Moment


class ListedRecord(RecordAttributes):
    id: str


class RecordsAttributes(BaseModel):
    records: list[ListedRecord]


def find(request: Request) -> Response:
    query = request.query_params
    page = catalog(request).records.find(
        request.path_params["dataset_id"],
        version=integer(request, "filter[version]"),
        tags=query.getlist("filter[tags]"),
        record_ids=query.getlist("filter[id]"),
        cursor=query.get("page[cursor]", ""),
        limit=limit(request, 1000),
    )
    return many(map(render, page.items), page.after)


async def append(request: Request) -> Response:
    body = await read_attributes(request, AppendBody)
    return _listed(request, await _change(request, body.records, deduplicate=body.deduplicate))


async def patch(request: Request) -> Response:
    body = await read_attributes(request, PatchBody)
    _refuse_twice(record.id for record in body.records)
    return _listed(request, await _change(request, update=[record.update() for record in body.records]))


async def delete(request: Request) -> Response:
    body = await read_attributes(request, RecordIds)
    await _change(request, delete=body.record_ids)
    return nothing()


async def batch_update(request: Request) -> Response:
    body = await read_attributes(request, BatchBody)
    _refuse_twice(record.id for record in body.update_records or ())
    changed = await _change(
        request,
        body.insert_records or (),
        update=[record.update() for record in body.update_records or ()],
        delete=body.delete_records or (),
        deduplicate=body.deduplicate,
        new_version=body.create_new_version,
    )
    # Without deduplication an insert that is there already was meant to be there: nothing changed.
    echoed = changed.passed_over if body.deduplicate else []
    return many(map(render, [*changed.records, *echoed]))


async def upload_file(request: Request) -> Response:
    records = await upload.read(request)
    _refuse_twice(record.id for record in records)
    changed = await run_in_threadpool(
        catalog(request).records.change,
        request.path_params["dataset_id"],
        insert=records,
        deduplicate=boolean(request, "deduplicate", True),
    )
    return many(map(render, changed.records))


async def _change(request: Request, insert: Iterable[RecordBody] = (), **options: Any) -> Changed:
    records = [body.record() for body in insert]
    _refuse_twice(record.id for record in records)
    return await run_in_threadpool(
        catalog(request).records.change, request.path_params["dataset_id"], insert=records, **options
    )


def _refuse_twice(ids: Iterable[str | None]) -> None:
    counts = Counter(identity for identity in ids if identity)
    if counts and (top := counts.most_common(1)[0])[1] > 1:
        raise UsageError(f"The record id {top[0]!r} stands twice in one request.", pointer="/data/attributes")


def _listed(request: Request, changed: Changed) -> Response:
    records = [ListedRecord.model_validate(record).model_dump(mode="json") for record in changed.records]
    return one(resource("records", request.path_params["dataset_id"], {"records": records}))


def render(record: StoredRecord) -> dict[str, Any]:
    attributes = RecordAttributes.model_validate(record).model_dump(mode="json")
    return resource("records", record.id, attributes)


def _operations(base: str) -> list[Operation]:
    path = base + "/{dataset_id}/records"
    version = number("filter[version]", "A version; without it the current one.", minimum=0)
    tags = texts("filter[tags]", "Only records that carry all of these tags.")
    return [
        Operation(
            "GET", path, "List the records of a version, the newest first.", find,
            (version, tags, texts("filter[id]"), *PAGE), answer=Many[RecordAttributes], refusals=(400, 404),
        ),
        Operation(
            "POST", path, "Append records.", append,
            body=Envelope[AppendBody], answer=One[RecordsAttributes], refusals=(400, 404),
        ),
        Operation(
            "PATCH", path, "Change some fields of records.", patch,
            body=Envelope[PatchBody], answer=One[RecordsAttributes], refusals=(400, 404),
        ),
        Operation(
            "POST", path + "/delete", "Delete records.", delete,
            body=Envelope[RecordIds], refusals=(400, 404),
        ),
        Operation(
            "POST", path + "/upload", "Append the records of a CSV file; an id that is there is replaced.",
            upload_file, (flag("deduplicate"),), body=upload.CONTENT, answer=Many[RecordAttributes],
            refusals=(400, 404),
        ),
        Operation(
            "POST", base + "/{dataset_id}/batch_update", "Insert, update and delete records in one version.",
            batch_update, body=Envelope[BatchBody], answer=Many[RecordAttributes], refusals=(400, 404),
        ),
    ]  # fmt: skip


OPERATIONS = tuple(operation for base in BASES for operation in _operations(base))
