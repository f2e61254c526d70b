"""An item of an experiment as the case of its trace.

The wire has no number of a trial, so the views number the executions of a dataset item by their start,
and where that is the same by the traces' ids: the order is the same whatever came first. Until a trace's
own start has come, its item is a span and no case: an execution of which nothing is known is not one
that went well.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, cast

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evalspan import attributes as names
from evalspan.api.opik import rows
from evalspan.api.opik.merging import Document
from evalspan.api.opik.writes import Item
from evalspan.experiments import Experiment, StoredRecord
from evalspan.experiments import rows as records
from evalspan.model import Json, dump

ITEM_ID: Final = "opik.experiment_item.id"


@dataclass(frozen=True)
class Case:
    """What a case says besides its trace."""

    item: Item
    project: str
    experiment: Experiment
    record: StoredRecord | None


def span_id(item: Item) -> bytes:
    """Follows from what was run where, and not from the item's own id: an item that was sent again
    under a new one is the same."""
    key = f"{item.experiment_id}\0{item.record_id}\0{uuid.UUID(item.trace)}".encode()
    return blake2b(key, digest_size=8, person=b"opik case").digest()


def span(document: Document, case: Case) -> Span:
    """The case's row; it has the same times and outcome as its trace."""
    item, known = case.item, case.experiment
    fields = document.fields
    values: dict[str, Any] = {
        names.SPAN_TYPE: names.CASE if "start_time" in fields else names.OTHER,
        names.PROJECT_NAME: case.project,
        names.EXPERIMENT_ID: item.experiment_id,
        names.TEST_SUITE_RUN_ID: item.experiment_id,
        names.EXPERIMENT_NAME: known.experiment,
        names.TEST_SUITE_NAME: known.experiment,
        names.RUN_ITERATION_BY_START: True,
        names.RECORD_ID: item.record_id,
        names.DATASET_ID: known.dataset_id,
        names.DATASET_NAME: known.dataset,
        names.DATASET_VERSION: known.dataset_version,
        names.INPUT: _input(document, case.record),
        names.OUTPUT: dump(fields.get("output")),
        names.EXPECTED_OUTPUT: dump(case.record.expected_output) if case.record else None,
        names.TAGS: document.tags or None,
        rows.TRACE_ID: item.trace,
        ITEM_ID: item.id,
    }
    for key, value in _metadata(fields.get("metadata"), case.record).items():
        values[names.METADATA_PREFIX + key] = (
            value if isinstance(value, str | bool | int | float) else dump(value)
        )
    return rows.message(document, span_id(item), b"", str(fields.get("name") or "experiment_item"), values)


def _input(document: Document, record: StoredRecord | None) -> str:
    """The record's, which is what the task was given; a trace's has the record's id mixed into it."""
    return dump(record.input if record else document.fields.get("input"))


def _metadata(given: Json, record: StoredRecord | None) -> dict[str, Any]:
    of_trace = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    return {**of_trace, **(records.metadata(record) if record else {})}
