"""Test cases: records of a dataset, whose name stands in the record's metadata.

A record's id is unique in its dataset only, and a test case is asked for by its id alone: those made
here have ids of their own; of others the newest is meant.
"""

from __future__ import annotations

import uuid
from typing import Any, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.gentrace import datasets, wire
from evalspan.api.operation import Operation
from evalspan.api.scope import catalog, store
from evalspan.errors import NotFoundError
from evalspan.experiments import Dataset, StoredRecord, homes
from evalspan.model import Json, Record

NAME = "name"


class NewTestCase(wire.Body):
    dataset_id: str
    name: str
    inputs: dict[str, Json]
    expected_outputs: dict[str, Json] | None = Field(default=None)


def _shown(record: Record, dataset_id: str, project_id: str, times: dict[str, str | None]) -> dict[str, Any]:
    return {
        "id": record.id,
        "datasetId": dataset_id,
        "pipelineId": project_id,
        "name": str(record.metadata.get(NAME, "")) or record.id,
        "inputs": record.input if isinstance(record.input, dict) else {"input": record.input},
        "expectedOutputs": expected(record),
        "archivedAt": None,
        "deletedAt": None,
        **times,
    }


def expected(record: Record) -> Json:
    """An object, as its client reads it; what other programs stored bare is named `output`."""
    found = record.expected_output
    return {"output": found} if found is not None and not isinstance(found, dict) else cast("Json", found)


def _of(stored: StoredRecord, dataset: Dataset) -> dict[str, Any]:
    times = {"createdAt": wire.moment(stored.created_at), "updatedAt": wire.moment(stored.updated_at)}
    return _shown(stored, dataset.dataset_id, dataset.project_id, times)


async def create(request: Request) -> Response:
    """The same again is another test case, unless the client says that it sends it once more."""
    return await wire.answered(request, NewTestCase, _create)


def _create(request: Request, body: NewTestCase) -> dict[str, Any]:
    dataset = catalog(request).datasets.get(body.dataset_id)
    record = Record(
        id=str(uuid.uuid4()),
        input=body.inputs,
        expected_output=body.expected_outputs,
        metadata={NAME: body.name},
    )
    changed = catalog(request).records.change(
        dataset.dataset_id, insert=[record], deduplicate=wire.is_retry(request)
    )
    if changed.records:
        return _of(changed.records[0], dataset)
    return _present(_homes(request, changed.passed_over[0].canonical_id)[0])


def retrieve(request: Request) -> Response:
    return wire.one(_present(_homes(request, request.path_params["test_case_id"])[0]))


def _homes(request: Request, test_case_id: str) -> list[homes.HomedRecord]:
    """Every dataset that holds it, the one where it is newest first.

    Raises:
        NotFoundError: none does.
    """
    found = [each for each in homes.find(store(request), [test_case_id]) if not each.removed_at]
    if not found:
        raise NotFoundError(f"There is no test case {test_case_id!r}.")
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def _present(found: homes.HomedRecord) -> dict[str, Any]:
    times = {"createdAt": wire.moment(found.created_at), "updatedAt": wire.moment(found.updated_at)}
    return _shown(found.record, found.dataset_id, found.project_id, times)


def listing(request: Request) -> Response:
    """In the order in which they were added; archived datasets are left out unless they are named."""
    found = reversed(_datasets(request))
    return wire.many(_of(stored, dataset) for dataset in found for stored in _records(request, dataset))


def _datasets(request: Request) -> list[Dataset]:
    identity = request.query_params.get("datasetId", "")
    if identity:
        return [catalog(request).datasets.get(identity)]
    found = datasets.of_pipeline(request)
    shown = datasets.shown(request, found)
    return [each for each, item in zip(found, shown, strict=True) if not item["archivedAt"]]


def _records(request: Request, dataset: Dataset) -> list[StoredRecord]:
    found = wire.every(
        lambda cursor, limit: catalog(request).records.find(dataset.dataset_id, cursor=cursor, limit=limit)
    )
    return sorted(found, key=lambda stored: (stored.created_at, stored.position))


def delete(request: Request) -> Response:
    """A second deletion is no error, since the first one's answer may have been lost."""
    identity = request.path_params["test_case_id"]
    found = sorted(homes.find(store(request), [identity]), key=lambda each: each.created_at, reverse=True)
    if not found:
        raise NotFoundError(f"There is no test case {identity!r}.")
    live = [each for each in found if not each.removed_at]
    if live:
        catalog(request).records.change(live[0].dataset_id, delete=[identity])
    return Response(status_code=204)


OPERATIONS = (
    Operation("POST", "/test-cases", "Add a test case.", create),
    Operation("GET", "/test-cases", "List test cases.", listing),
    Operation("GET", "/test-cases/{test_case_id}", "Get a test case.", retrieve),
    Operation("DELETE", "/test-cases/{test_case_id}", "Remove a test case.", delete, status=204),
)
