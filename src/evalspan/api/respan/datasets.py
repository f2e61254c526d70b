"""`/api/datasets/`: datasets. Two may bear one name here, so each has a name of its own beside it.

What our datasets have no field for stands in their metadata, under `respan`.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field
from starlette.responses import Response

from evalspan.api.envelope import Body
from evalspan.api.respan import dataset_logs
from evalspan.api.respan.call import Call, Operation, answer, nothing
from evalspan.api.respan.listing import counted, listed
from evalspan.errors import UsageError
from evalspan.experiments import Dataset
from evalspan.experiments.claims import Claims
from evalspan.experiments.entity import MAX_PAGE
from evalspan.model import Json, Record, dump

_KEY: Final = "respan"
_KEPT: Final = ("type", "granularity", "initial_log_filters", "tags", "starred")
FIELDS: Final = frozenset(
    {"id", "name", "description", "status", "log_count", "created_at", "updated_at", *_KEPT}
)
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class DatasetBody(Body):
    name: Name | None = None
    description: str | None = None
    type: str | None = None
    is_empty: bool | None = None
    start_time: str | None = None
    end_time: str | None = None
    sampling: float | None = Field(default=None, ge=0, le=100)
    initial_log_filters: Json = None
    source_dataset_id: str | None = None
    granularity: Literal["logs", "traces"] | None = None
    tags: list[Json] | None = None
    starred: bool | None = None


class DatasetPatch(Body):
    name: Name | None = None
    description: str | None = None
    tags: list[Json] | None = None
    starred: bool | None = None


def create(call: Call) -> Response:
    body = call.model(DatasetBody)
    source = call.catalog.datasets.get(body.source_dataset_id) if body.source_dataset_id else None
    name = body.name or (f"{_shown_name(source)} (copy)" if source else "")
    if not name:
        raise UsageError("A dataset needs a name.", pointer="/name")
    wanted = dataset_logs.Wanted.of(body.start_time, body.end_time, body.initial_log_filters, body.sampling)
    if wanted and source:
        raise UsageError("source_dataset_id and a time range exclude each other.", pointer="/start_time")
    given = body.model_dump(include=set(_KEPT), exclude_none=True)
    dataset = _made(call, name, body.description or "", given)
    if source:
        copies = [_copy(record) for record in reversed(call.catalog.records.all(source.dataset_id))]
        call.catalog.records.change(dataset.dataset_id, insert=copies, deduplicate=False)
    elif wanted and not body.is_empty:
        dataset_logs.take(call, dataset, wanted)
    return answer(_one(call, dataset.dataset_id), 201)


def find(call: Call) -> Response:
    return listed(call, _all(call), FIELDS, "-created_at")


def summary(call: Call) -> Response:
    return counted(call, _all(call), FIELDS)


def get(call: Call) -> Response:
    return answer(_one(call, call.path["dataset_id"]))


def update(call: Call) -> Response:
    body, datasets = call.model(DatasetPatch), call.catalog.datasets
    dataset = datasets.get(call.path["dataset_id"])
    kept = {**_kept(dataset), **body.model_dump(include={"tags", "starred", "name"}, exclude_none=True)}
    datasets.update(
        dataset.dataset_id, description=body.description, metadata={**dataset.metadata, _KEY: kept}
    )
    return answer(_one(call, dataset.dataset_id))


def delete(call: Call) -> Response:
    dataset = call.catalog.datasets.get(call.path["dataset_id"])
    call.catalog.datasets.delete([dataset.dataset_id])
    return nothing()


def _made(call: Call, name: str, description: str, given: dict[str, Json]) -> Dataset:
    """A new dataset, whatever others are called."""
    project = call.project()
    own = uuid.uuid4().hex
    holder = Claims(call.store).claim("dataset_name", dump([project.project_id, name]), 0, own)
    taken = (
        holder != own or call.catalog.datasets.find(project_id=project.project_id, name=name, limit=1).items
    )
    return call.catalog.datasets.get_or_create(
        project.project_id,
        f"{name}-{own[:8]}" if taken else name,
        description,
        {_KEY: {"type": "sampling", "granularity": "logs", **given, "name": name}},
    )


def _copy(record: Record) -> Record:
    return Record(**record.model_dump(include={"input", "expected_output", "metadata", "tags"}))


def _all(call: Call) -> list[dict[str, Any]]:
    datasets: list[Dataset] = []
    cursor = ""
    while True:
        page = call.catalog.datasets.find(cursor=cursor, limit=MAX_PAGE)
        datasets += page.items
        cursor = page.after
        if not cursor:
            break
    counts = call.catalog.records.counts([each.dataset_id for each in datasets])
    return [rendered(each, counts.get(each.dataset_id, 0)) for each in datasets]


def _one(call: Call, dataset_id: str) -> dict[str, Any]:
    dataset = call.catalog.datasets.get(dataset_id)
    return rendered(dataset, call.catalog.records.counts([dataset_id]).get(dataset_id, 0))


def rendered(dataset: Dataset, count: int) -> dict[str, Any]:
    """A dataset as it is answered. It is ready at once: what is imported is there before the answer."""
    kept = _kept(dataset)
    return {
        "id": dataset.dataset_id,
        "name": _shown_name(dataset),
        "description": dataset.description,
        "type": kept.get("type", "sampling"),
        "status": "ready",
        "log_count": count,
        "initial_log_filters": kept.get("initial_log_filters"),
        "created_at": dataset.created_at.isoformat(),
        "updated_at": dataset.updated_at.isoformat(),
        "completed_annotation_count": 0,
        "running_status": None,
        "running_progress": 0,
        "starred": bool(kept.get("starred", False)),
        "tags": [_tag(each) for each in kept.get("tags") or ()],
        "granularity": kept.get("granularity", "logs"),
    }


def _tag(tag: Json) -> Json:
    """The clients' model of a tag is an object; older ones sent its name."""
    return {"id": str(tag), "name": str(tag)} if isinstance(tag, str) else tag


def _kept(dataset: Dataset) -> dict[str, Any]:
    found = dataset.metadata.get(_KEY)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _shown_name(dataset: Dataset) -> str:
    return str(_kept(dataset).get("name") or dataset.name)


OPERATIONS = (
    Operation("POST", "/api/datasets/", create),
    Operation("GET", "/api/datasets/", find),
    Operation("GET POST", "/api/datasets/list/", find),
    Operation("GET POST", "/api/datasets/summary/", summary),
    Operation("GET", "/api/datasets/{dataset_id}/", get),
    Operation("PATCH PUT", "/api/datasets/{dataset_id}/", update),
    Operation("DELETE", "/api/datasets/{dataset_id}/", delete),
)
