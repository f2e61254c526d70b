"""`datasets/items`: written by id, one version for all writes of one `batch_group_id`; read by descending
id, which for the clients' ids is the newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number, text
from evalspan.api.opik import filters, places, versions
from evalspan.api.opik.author import author
from evalspan.api.opik.filters import Condition
from evalspan.api.opik.items import Item, ItemBody, body, item, record
from evalspan.api.opik.wire import Body, answer, lines, nothing, page, place, read, read_json
from evalspan.api.scope import catalog
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Dataset, StoredRecord
from evalspan.experiments.versions import datasets_of, records_by_id
from evalspan.model import Json

_STEP: Final = 1000
_FIELDS: Final = frozenset(
    {"id", "data", "full_data", "source", "trace_id", "span_id", "tags", "created_at", "last_updated_at"}
    | {"created_by", "last_updated_by"}
)


class ItemsBody(Body):
    items: Annotated[list[ItemBody], Field(min_length=1, max_length=1000)]
    dataset_name: str | None = None
    dataset_id: str | None = None
    project_name: str | None = None
    project_id: str | None = None
    batch_group_id: str | None = None


class ItemsToDelete(Body):
    item_ids: list[str] | None = None
    dataset_id: str | None = None
    filters: list[dict[str, Json]] | None = None
    batch_group_id: str | None = None


class Stream(Body):
    dataset_name: str = Field(min_length=1)
    project_name: str | None = None
    last_retrieved_id: str | None = None
    steam_limit: int = Field(default=500, ge=1, le=2000, description="The clients spell it so.")
    dataset_version: str | None = None
    filters: str | None = None


async def put(request: Request) -> Response:
    given = await read(request, ItemsBody)
    await run_in_threadpool(_put, request, given)
    return nothing()


def _put(request: Request, given: ItemsBody) -> None:
    dataset = _dataset(request, given)
    by = author(request)
    records = [record(each, by, f"/items/{place}") for place, each in enumerate(given.items)]
    catalog(request).records.change(
        dataset.dataset_id, insert=records, deduplicate=False, group=given.batch_group_id or ""
    )


def _dataset(request: Request, given: ItemsBody) -> Dataset:
    """The dataset that is written to; one of a new name is made, as Opik does."""
    if given.dataset_id:
        return catalog(request).datasets.get(given.dataset_id)
    if not given.dataset_name:
        raise UsageError("Neither dataset_id nor dataset_name is given.", pointer="/dataset_name")
    return places.get_or_create_dataset(request, given.dataset_name, given.project_name, given.project_id)


async def stream(request: Request) -> Response:
    given = await read(request, Stream)
    return lines(await run_in_threadpool(_stream, request, given))


def _stream(request: Request, given: Stream) -> list[Json]:
    dataset = places.dataset(request, given.dataset_name, given.project_name)
    found: list[Json] = []
    for each in _matching(request, dataset, given.dataset_version, given.filters, given.last_retrieved_id):
        found.append(each)
        if len(found) == given.steam_limit:
            break
    return found


def find(request: Request) -> Response:
    query, dataset = request.query_params, catalog(request).datasets.get(request.path_params["id"])
    number, size = place(request)
    start, version = (number - 1) * size, versions.number_of(dataset, query.get("version"))
    if query.get("filters"):
        matching = list(_matching(request, dataset, query.get("version"), query["filters"]))
        return page(matching[start : start + size], number, len(matching))
    store = catalog(request).store
    found = records_by_id(store, dataset.dataset_id, version, offset=start, limit=size)
    return page([item(each) for each in found], number, _total(request, dataset, version))


def _total(request: Request, dataset: Dataset, version: int) -> int:
    """How many items a version holds; of the newest the question is a cheaper one."""
    if version == dataset.current_version:
        return catalog(request).records.counts([dataset.dataset_id]).get(dataset.dataset_id, 0)
    return next((each.total for each in versions.every(request, dataset) if each.version == version), 0)


def _matching(
    request: Request, dataset: Dataset, version: str | None, given: str | None, before: str | None = None
) -> Iterator[dict[str, Any]]:
    """Items of a version that meet the filters, by descending id from below `before`."""
    conditions = filters.parse(given, _FIELDS)
    wanted, last = versions.number_of(dataset, version), before or ""
    while True:
        found = records_by_id(catalog(request).store, dataset.dataset_id, wanted, before=last, limit=_STEP)
        yield from (each for each in map(item, found) if _meets(each, conditions))
        if len(found) < _STEP:
            return
        last = found[-1].id


def _meets(document: dict[str, Any], conditions: list[Condition]) -> bool:
    return not conditions or filters.matches({**document, "full_data": document["data"]}, conditions)


def get(request: Request) -> Response:
    return answer(item(_stored(request)))


async def update(request: Request) -> Response:
    given = await read_json(request)
    await run_in_threadpool(_update, request, given)
    return nothing()


def _update(request: Request, given: Json) -> None:
    if not isinstance(given, dict):
        raise UsageError("The request body is not a JSON object.")
    stored = _stored(request)
    changed = ItemBody.model_validate({**body(stored).model_dump(), **given, "id": stored.id})
    catalog(request).records.change(
        stored.dataset_id, insert=[record(changed, author(request))], deduplicate=False
    )


def _stored(request: Request) -> StoredRecord:
    identity = request.path_params["id"]
    for dataset_id in datasets_of(catalog(request).store, [identity]).get(identity, ()):
        found = catalog(request).records.find(dataset_id, record_ids=[identity], limit=1).items
        if found:
            return found[0]
    raise NotFoundError(f"There is no dataset item {identity!r}.")


async def delete(request: Request) -> Response:
    given = await read(request, ItemsToDelete)
    await run_in_threadpool(_delete, request, given)
    return nothing()


def _delete(request: Request, given: ItemsToDelete) -> None:
    if not given.item_ids and not (given.dataset_id and given.filters):
        raise UsageError("Neither item_ids nor dataset_id with filters is given.", pointer="/item_ids")
    below = _by_dataset(request, given.item_ids) if given.item_ids else _filtered(request, given)
    for dataset_id, ids in below.items():
        if given.dataset_id in (None, dataset_id):
            catalog(request).records.change(dataset_id, delete=ids, group=given.batch_group_id or "")


def _by_dataset(request: Request, item_ids: list[str]) -> dict[str, list[str]]:
    """Which of the items are of which dataset; an item that never was is a mistake."""
    held = datasets_of(catalog(request).store, item_ids)
    missing = [each for each in item_ids if each not in held]
    if missing:
        raise NotFoundError(f"There is no dataset item {missing[0]!r}.", pointer="/item_ids")
    found: dict[str, list[str]] = {}
    for identity, dataset_ids in held.items():
        for dataset_id in dataset_ids:
            found.setdefault(dataset_id, []).append(identity)
    return found


def _filtered(request: Request, given: ItemsToDelete) -> dict[str, list[str]]:
    dataset = catalog(request).datasets.get(given.dataset_id or "")
    conditions = filters.parse(given.filters, _FIELDS)
    every = _matching(request, dataset, None, None)
    return {dataset.dataset_id: [each["id"] for each in every if _meets(each, conditions)]}


BASE: Final = "/v1/private/datasets"
OPERATIONS = (
    Operation("PUT", f"{BASE}/items", "Add or replace items.", put, body=ItemsBody, status=204),
    Operation("POST", f"{BASE}/items/stream", "Items, one a line.", stream, body=Stream),
    Operation("POST", f"{BASE}/items/delete", "Delete items.", delete, body=ItemsToDelete, status=204),
    Operation("GET", BASE + "/items/{id}", "One item.", get, answer=Item),
    Operation("PATCH", BASE + "/items/{id}", "Change an item.", update, body=ItemBody, status=204),
    Operation(
        "GET", BASE + "/{id}/items", "Items of a version.", find,
        (number("page"), number("size"), text("version"), text("filters")),
    ),
)  # fmt: skip
