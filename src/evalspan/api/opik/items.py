"""Dataset items as records, and back.

An item is one object `data`. Where that has an `input`, it is the record's input and what is left is its
metadata; else all of it but the expected output is the input. The record's extras say which it was, so
that `data` comes back as it was given.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, Field

from evalspan.api.opik import ids
from evalspan.api.opik.author import ANONYMOUS
from evalspan.api.opik.wire import Body
from evalspan.experiments import StoredRecord, rows
from evalspan.model import Json, Record

Source = Literal["manual", "trace", "span", "sdk"]

_INPUT: Final = "input"
_EXPECTED: Final = ("expected_output", "expected", "reference")
_OWN: Final = "opik"


class Evaluator(Body):
    name: str
    type: str
    config: Json = None


class Policy(Body):
    runs_per_item: int = 1
    pass_threshold: int = 1


class ItemBody(Body):
    id: str | None = None
    data: dict[str, Json]
    source: Source
    trace_id: str | None = None
    span_id: str | None = None
    description: str | None = None
    tags: Annotated[list[str] | None, Field(max_length=100)] = None
    evaluators: list[Evaluator] | None = None
    execution_policy: Policy | None = None


class Item(BaseModel):
    """An item as it is answered."""

    id: str
    dataset_item_id: str
    data: dict[str, Json]
    source: Source
    trace_id: str | None = None
    span_id: str | None = None
    description: str | None = None
    tags: list[str]
    evaluators: list[Evaluator] | None = None
    execution_policy: Policy | None = None
    dataset_id: str
    created_at: str
    last_updated_at: str
    created_by: str
    last_updated_by: str


def record(item: ItemBody, author: str, pointer: str = "") -> Record:
    """The record of an item. Raises UsageError where its id is no UUID."""
    data = dict(item.data)
    expected_key = next((key for key in _EXPECTED if key in data), None)
    expected = data.pop(expected_key) if expected_key else None
    whole = _INPUT not in data
    given = data if whole else data.pop(_INPUT)
    own: dict[str, Json] = {
        "expected": expected_key,
        "whole": whole,
        "by": author,
        **item.model_dump(exclude={"id", "data", "tags"}, exclude_none=True),
    }
    return Record(
        id=ids.valid(item.id, f"{pointer}/id") if item.id else ids.new(),
        input=given,
        expected_output=expected,
        metadata=rows.combined({} if whole else data, {_OWN: own}),
        tags=list(dict.fromkeys(item.tags or ())),
    )


def data(record: Record) -> dict[str, Json]:
    """An item's `data`; of a record that came another way, what an item like it would have."""
    own = _own(record)
    metadata = rows.metadata(record)
    if own.get("whole") and isinstance(record.input, dict):
        found = dict(cast("dict[str, Json]", record.input))
    else:
        found: dict[str, Json] = {**metadata, _INPUT: record.input}
    expected_key = own.get("expected", _EXPECTED[0] if record.expected_output is not None else None)
    return {**found, expected_key: record.expected_output} if expected_key else found


def item(record: StoredRecord) -> dict[str, Any]:
    """An item as it is answered."""
    own = _own(record)
    author = str(own.get("by") or ANONYMOUS)
    fields = ("trace_id", "span_id", "description", "evaluators", "execution_policy")
    found = Item(
        id=record.id,
        dataset_item_id=record.id,
        data=data(record),
        source=own.get("source", "manual"),
        tags=record.tags,
        dataset_id=record.dataset_id,
        created_at=record.created_at.isoformat(),
        last_updated_at=record.updated_at.isoformat(),
        created_by=author,
        last_updated_by=author,
        **{name: own[name] for name in fields if name in own},
    )
    return found.model_dump(exclude_none=True)


def body(record: StoredRecord) -> ItemBody:
    """An item as it was written, to be changed in part."""
    own = _own(record)
    fields = ("source", "trace_id", "span_id", "description", "evaluators", "execution_policy")
    given: dict[str, Any] = {"id": record.id, "data": data(record), "tags": record.tags, "source": "manual"}
    return ItemBody.model_validate(given | {name: own[name] for name in fields if name in own})


def _own(record: Record) -> dict[str, Any]:
    found = rows.extras(record).get(_OWN)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
