"""Experiment items read back: one a line, and by the dataset items that they executed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, flag, number, text
from evalspan.api.opik import filters, ids, items, moments, places, rows, told, wire
from evalspan.api.opik.merging import Document
from evalspan.api.opik.wire import Body
from evalspan.api.scope import catalog
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Catalog, StoredRecord
from evalspan.store import sql

_PART: Final = 1000
_IDS: Final = TypeAdapter(list[str])
_FIELDS: Final = frozenset(
    {"id", "data", "output", "input", "feedback_scores", "duration", "total_estimated_cost", "usage", "tags"}
)

Row = Mapping[str, Any]


class ItemStream(Body):
    experiment_name: str
    project_name: str | None = None
    limit: int = Field(default=500, ge=1, le=2000)
    last_retrieved_id: str | None = None


async def stream(request: Request) -> Response:
    body = await wire.read(request, ItemStream)
    return wire.lines(await run_in_threadpool(_stream, request, body))


def compare(request: Request) -> Response:
    """A page of dataset items, each with its executions in some experiments."""
    dataset_id, known = request.path_params["id"], catalog(request)
    dataset = known.datasets.get(dataset_id)
    experiments = _experiment_ids(request)
    executions: defaultdict[str, list[Row]] = defaultdict(list)
    for row in known.store.query(sql("queries/opik_executions"), {"experiments": experiments}):
        executions[row["record_id"]].append(row)
    page, size = wire.place(request)
    conditions = filters.parse(request.query_params.get("filters"), _FIELDS)
    if conditions:
        found = _rows(known, dataset.dataset_id, experiments, executions)
        found = [row for row in found if filters.matches(_searched(row), conditions)]
        return wire.page(found[(page - 1) * size : page * size], page, len(found), columns=[])
    chosen = dict(list(executions.items())[(page - 1) * size : page * size])
    content = _rows(known, dataset.dataset_id, experiments, chosen)
    return wire.page(content, page, len(executions), columns=[])


def get(request: Request) -> Response:
    """One item, found among the experiments that the key sees."""
    identity = ids.valid(request.path_params["id"], "/id")
    found = catalog(request).store.query(sql("queries/opik_execution"), {"ids": [identity]})
    if not found:
        raise NotFoundError(f"There is no experiment item {identity!r}.")
    return wire.answer(_reference(found[0]))


def _stream(request: Request, body: ItemStream) -> list[dict[str, Any]]:
    known = catalog(request)
    project = places.find_project(request, body.project_name) if body.project_name else None
    found = known.experiments.find(
        experiment=body.experiment_name, project_id=project.project_id if project else "", limit=_PART
    )
    given = {"experiments": [each.experiment_id for each in found.items]}
    executions = known.store.query(sql("queries/opik_executions"), given) if found.items else []
    executions.sort(key=lambda row: row["id"], reverse=True)
    below = [row for row in executions if not body.last_retrieved_id or row["id"] < body.last_retrieved_id]
    return _items(known, below[: body.limit])


def _rows(
    known: Catalog, dataset_id: str, experiments: Sequence[str], executions: Mapping[str, list[Row]]
) -> list[dict[str, Any]]:
    records = _records(known, dataset_id, experiments, list(executions))
    shown: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in _items(known, [row for found in executions.values() for row in found]):
        shown[item["dataset_item_id"]].append(item)
    return [
        {**_record(records.get(record), record), "dataset_id": dataset_id, "experiment_items": shown[record]}
        for record in executions
    ]


def _items(known: Catalog, executions: Sequence[Row]) -> list[dict[str, Any]]:
    """Items with what their traces came to."""
    found: list[dict[str, Any]] = []
    for first in range(0, len(executions), _PART):
        part = executions[first : first + _PART]
        keys = [ids.trace_id(row["trace"]).hex() for row in part]
        given = {"traces": keys, "project": "", "before": "", "limit": len(keys)}
        traces = {row["trace_id"]: row for row in known.store.query(sql("queries/opik_traces"), given)}
        used = {
            row["trace_id"]: row for row in known.store.query(sql("queries/opik_usage"), {"traces": keys})
        }
        judged = told.scores(known.store, keys)
        for key, row in zip(keys, part, strict=True):
            found.append(_item(row, traces.get(key), used.get(key), judged[key]))
    return found


def _reference(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "experiment_id": row["experiment_id"],
        "dataset_item_id": row["record_id"],
        "trace_id": row["trace"],
        "created_at": moments.of_nanoseconds(moments.of_id(row["trace"])),
    }


def _item(row: Row, trace: Row | None, used: Row | None, judged: list[dict[str, Any]]) -> dict[str, Any]:
    found = Document(row["trace"])
    if trace:
        found = rows.read(trace["attributes"], trace["input"], trace["output"])
    asserted = [each for each in judged if "passed" in each]
    stored = rows.loads(trace["attributes"].get(rows.ITEM, "")) if trace else None
    fields: dict[str, Any] = {
        **_reference(row),
        "input": found.fields.get("input"),
        "output": found.fields.get("output"),
        "trace_metadata": found.fields.get("metadata"),
        "feedback_scores": [each for each in judged if "passed" not in each],
        "total_estimated_cost": used["cost"] if used else None,
        "usage": told.usage(used),
        "duration": told.duration(found),
        "execution_policy": (stored or {}).get("more", {}).get("execution_policy"),
        "assertion_results": asserted or None,
        "status": ("passed" if all(each["passed"] for each in asserted) else "failed") if asserted else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _records(
    known: Catalog, dataset_id: str, experiments: Sequence[str], wanted: list[str]
) -> dict[str, StoredRecord]:
    """The records as the first of the experiments had them, else as they are.

    The client asks for the dataset by its name alone, and may so have been given another of that name.
    """
    found = known.experiments.find(ids=list(experiments[:_PART]), limit=_PART).items
    if found and all(each.dataset_id != dataset_id for each in found):
        dataset_id = found[-1].dataset_id
    versions = [each.dataset_version for each in found if each.dataset_id == dataset_id]
    records: dict[str, StoredRecord] = {}
    for version in dict.fromkeys([*versions[-1:], None]):
        missing = [each for each in wanted if each not in records]
        for first in range(0, len(missing), _PART):
            part = missing[first : first + _PART]
            there = known.records.find(dataset_id, version=version, record_ids=part, limit=_PART).items
            records |= {record.id: record for record in there}
    return records


def _record(record: StoredRecord | None, identity: str) -> dict[str, Any]:
    """The dataset item, or what is left of it when it was deleted."""
    if record is None:
        return {"id": identity, "dataset_item_id": identity, "data": {}, "source": "sdk"}
    return items.item(record)


def _searched(row: dict[str, Any]) -> dict[str, Any]:
    """As conditions see it: with what the first execution came to."""
    executed: list[dict[str, Any]] = row["experiment_items"]
    first = executed[0] if executed else dict[str, Any]()
    given: list[dict[str, Any]] = first.get("feedback_scores", [])
    scores = {each["name"]: each["value"] for each in given}
    return {**first, **row, "feedback_scores": scores}


def _experiment_ids(request: Request) -> list[str]:
    given = request.query_params.get("experiment_ids", "")
    try:
        found = _IDS.validate_json(given)
    except ValidationError:
        raise UsageError(f"experiment_ids={given[:200]!r} is not a JSON list of ids.") from None
    if not found:
        raise UsageError("experiment_ids is empty.")
    return found


OPERATIONS = (
    Operation(
        "POST", "/v1/private/experiments/items/stream", "Read the items of an experiment, one a line.",
        stream, body=ItemStream,
    ),
    Operation(
        "GET", "/v1/private/experiments/items/{id}", "Read an experiment item.", get, refusals=(400, 404)
    ),
    Operation(
        "GET", "/v1/private/datasets/{id}/items/experiments/items",
        "Read dataset items with their executions in some experiments.", compare,
        (
            text("experiment_ids", "A JSON list.", required=True), number("page"), number("size"),
            text("filters"), flag("truncate"),
        ),
        refusals=(400, 404),
    ),
)  # fmt: skip
