"""What clients write of traces and spans. Any write may be partial, and none may be the first.

Fields that are absent or null say nothing, so a write without an output never takes one away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import Field

from evalspan.api.opik import moments
from evalspan.api.opik.wire import Body
from evalspan.model import Json

_APART: Final = frozenset({"id", "trace_id", "project_id", "last_updated_at"})
_CREATED, _UPDATED = "0", "1"  # an update comes after the creation, whichever arrives first


class Parts(Body):
    """What traces and spans have in common."""

    project_name: str | None = None
    project_id: str | None = None
    name: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    input: Json = None
    output: Json = None
    metadata: Json = None
    tags: list[str] | None = None
    tags_to_add: list[str] | None = None
    tags_to_remove: list[str] | None = None
    error_info: dict[str, Json] | None = None
    ttft: float | None = Field(default=None, description="Milliseconds.", allow_inf_nan=False)
    source: str | None = None
    environment: str | None = None
    last_updated_at: datetime | None = None


class TraceParts(Parts):
    """A change of a trace."""

    thread_id: str | None = None


class SpanParts(Parts):
    """A change of a span."""

    trace_id: str
    parent_span_id: str | None = None
    type: str | None = None
    model: str | None = None
    provider: str | None = None
    usage: dict[str, Json] | None = None
    total_estimated_cost: float | None = Field(default=None, allow_inf_nan=False)
    total_estimated_cost_version: str | None = None


class NewTrace(TraceParts):
    id: str | None = None
    start_time: datetime  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] (narrower on purpose)


class NewSpan(SpanParts):
    id: str | None = None
    start_time: datetime  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] (narrower on purpose)


class TraceBatch(Body):
    traces: list[NewTrace] = Field(min_length=1, max_length=1000)


class SpanBatch(Body):
    spans: list[NewSpan] = Field(min_length=1, max_length=1000)


@dataclass(frozen=True)
class Write:
    """What one write says of a trace or, where it names one, of a span."""

    trace: str
    span: str
    fields: Mapping[str, Json]
    stamp: str
    """Of two writes of a field the one with the higher stamp counts."""


@dataclass(frozen=True)
class Item:
    """The execution of a dataset's item in an experiment: which trace it was."""

    id: str
    experiment_id: str
    record_id: str
    trace: str
    more: dict[str, Json] = field(default_factory=dict[str, Any])


def of_trace(identity: str, parts: TraceParts, pointer: str, *, update: bool = False) -> Write:
    """Raises UsageError where an id or a time is none."""
    trace = moments.timed(identity, f"{pointer}/id")
    return Write(trace, "", _fields(parts, pointer), _stamp(parts, pointer, update))


def of_span(identity: str, parts: SpanParts, pointer: str, *, update: bool = False) -> Write:
    """Raises UsageError where an id or a time is none."""
    span = moments.timed(identity, f"{pointer}/id")
    trace = moments.timed(parts.trace_id, f"{pointer}/trace_id")
    fields = _fields(parts, pointer)
    if parent := fields.get("parent_span_id"):
        fields["parent_span_id"] = moments.timed(parent, f"{pointer}/parent_span_id")
    return Write(trace, span, fields, _stamp(parts, pointer, update))


def _fields(parts: Parts, pointer: str) -> dict[str, Json]:
    given = {name: getattr(parts, name) for name in type(parts).model_fields if name not in _APART}
    return {
        name: moments.text(value, f"{pointer}/{name}") if isinstance(value, datetime) else value
        for name, value in given.items()
        if value is not None
    }


def _stamp(parts: Parts, pointer: str, update: bool) -> str:
    stated = parts.last_updated_at
    said = moments.text(stated, f"{pointer}/last_updated_at") if stated else ""
    return (_UPDATED if update else _CREATED) + said
