"""Rows of datasets: records, with what else Respan's rows hold (experiments/rows.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evalspan.api.respan.values import text
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Records, RecordUpdate, StoredRecord, rows
from evalspan.model import Json, Record

_NUMBERS: Final = ("prompt_tokens", "completion_tokens", "total_request_tokens", "cost", "latency")
_OWN: Final = ("input", "expected_output", "metadata")
FIELDS: Final = frozenset(
    {
        "id", "unique_id", "dataset_id", "input", "output", "expected_output", "metadata", "metrics", "model",
        "log_type", "status", "status_code", "error_code", "error_message", "custom_identifier",
        "customer_identifier", "thread_identifier", "trace_unique_id", "prompt_id", "environment", "prompt",
        "completion", "timestamp", "start_time", "created_at", "updated_at", "total_tokens", "tags",
        *_NUMBERS,
    }
)  # fmt: skip


class RowBody(BaseModel):
    """A row as it is created. Other keys are kept beside it."""

    model_config = ConfigDict(extra="allow")

    input: Json
    output: Json = None
    expected_output: Json = None
    metadata: dict[str, Json] | None = None
    metrics: dict[str, Json] | None = None

    @field_validator("input")
    @classmethod
    def _something(cls, value: Json) -> Json:
        if value is None:
            raise ValueError("a row needs an input, which is null here")
        return value

    @model_validator(mode="after")
    def _lift(self) -> RowBody:
        """An expected output that stands inside the input is taken out of it."""
        if self.expected_output is None and isinstance(self.input, dict) and "expected_output" in self.input:
            inside = dict(cast("dict[str, Json]", self.input))
            self.expected_output = inside.pop("expected_output")
            self.input = inside
        return self

    def record(self) -> Record:
        more = {**(self.model_extra or {}), "output": self.output, "metrics": self.metrics}
        return Record(
            input=self.input,
            expected_output=self.expected_output,
            metadata=rows.combined(self.metadata or {}, more),
        )


class RowPatch(BaseModel):
    """What a row is to be; the fields that are given are changed."""

    model_config = ConfigDict(extra="allow")

    input: Json = None
    expected_output: Json = None
    metadata: dict[str, Json] | None = Field(default=None)

    def update(self, stored: StoredRecord, *, replace: bool) -> RecordUpdate:
        """The change of a record. With `replace` what is not given is removed, but for the input.

        Raises:
            UsageError: the input would be null.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set if name in _OWN}
        if given.get("input", stored.input) is None:
            raise UsageError("A row needs an input, which is null here.", pointer="/input")
        metadata = {} if replace else rows.metadata(stored)
        more: dict[str, Json] = {} if replace else dict(rows.extras(stored))
        more.update(self.model_extra or {})
        fields: dict[str, Json] = {
            "input": given.get("input", stored.input),
            "expected_output": given.get("expected_output", None if replace else stored.expected_output),
            "metadata": rows.combined({**metadata, **(given.get("metadata") or {})}, more),
        }
        return RecordUpdate(stored.id, fields)


def one(records: Records, dataset_id: str, row_id: str) -> StoredRecord:
    """Raises NotFoundError."""
    found = records.find(dataset_id, record_ids=[row_id], limit=1).items
    if not found:
        raise NotFoundError(f"There is no row {row_id!r} in the dataset {dataset_id!r}.")
    return found[0]


def values(record: StoredRecord) -> dict[str, Any]:
    """What filters and sorting see of a row."""
    more = rows.extras(record)
    metrics = cast("dict[str, Json]", more["metrics"]) if isinstance(more.get("metrics"), dict) else {}
    numbers = {name: more.get(name, metrics.get(name)) for name in _NUMBERS}
    if numbers["total_request_tokens"] is None:
        numbers["total_request_tokens"] = metrics.get("total_tokens", _sum(numbers))
    return {
        "log_type": "text",
        "status": "success",
        **more,
        **numbers,
        "total_tokens": numbers["total_request_tokens"],
        "id": record.id,
        "unique_id": record.id,
        "dataset_id": record.dataset_id,
        "input": record.input,
        "expected_output": record.expected_output,
        "metadata": rows.metadata(record),
        "tags": record.tags,
        "timestamp": record.created_at,
        "start_time": record.created_at,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def rendered(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it is answered: `input`, `output` and `expected_output` are JSON text."""
    shown = dict(row)
    for name in ("input", "output", "expected_output"):
        shown[name] = text(row.get(name))
    for name in ("timestamp", "start_time", "created_at", "updated_at"):
        shown[name] = row[name].isoformat()
    shown.setdefault("model", None)
    shown.setdefault("annotation_status", None)
    return shown


def _sum(numbers: Mapping[str, Json]) -> Json:
    parts = [numbers["prompt_tokens"], numbers["completion_tokens"]]
    return sum(parts) if all(isinstance(part, int) for part in parts) else None
