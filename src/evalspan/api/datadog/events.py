"""Spans and metrics as the Experiments API and ddtrace write them.

Tags are a list of `key:value`. What is not named here is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from evalspan.api.envelope import Body
from evalspan.model import Json, ScoreType

_MAX_NS = 2**63 - 1


def _id(given: Any) -> Any:
    """Ids of older clients are numbers."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given or ""


def _whole(given: Any) -> Any:
    """Not by way of float, which cannot tell the nanoseconds of today apart."""
    return int(given) if isinstance(given, float) and math.isfinite(given) else given


Nanoseconds = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=_MAX_NS)]
Id = Annotated[str, BeforeValidator(_id), Field(max_length=200)]
Tags = Annotated[list[str], BeforeValidator(lambda given: [] if given is None else given)]
Object = Annotated[dict[str, Json], BeforeValidator(lambda given: {} if given is None else given)]
Text = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]


class SpanBody(Body):
    """A span; one without a parent and without another kind is the execution of a record."""

    span_id: Annotated[Id, Field(min_length=1)]
    trace_id: Id = ""
    parent_id: Id = ""
    project_id: Text = ""
    dataset_id: Text = ""
    name: Text = ""
    start_ns: Annotated[Nanoseconds, Field(ge=1)]
    duration: Nanoseconds = 0
    tags: Tags = Field(default_factory=list[str])
    status: Text = ""
    session_id: Text = ""
    service: Text = ""
    meta: Object = Field(default_factory=dict[str, Json])
    metrics: Object = Field(default_factory=dict[str, Json])


class MetricError(Body):
    message: Text = ""
    type: Text = ""
    stack: Text = ""


class MetricBody(Body):
    """A score of a span (`metric_source` custom) or of a whole run (summary)."""

    label: str = Field(min_length=1, max_length=1000)
    metric_type: ScoreType | Literal["text"] = Field(description="text is feedback, stored as a label.")
    metric_source: Text = "custom"
    span_id: Id = ""
    trace_id: Id = ""
    experiment_id: Text = ""
    timestamp_ms: float | None = Field(default=None, ge=0, le=_MAX_NS // 1_000_000)
    score_value: float | None = None
    categorical_value: Json = None
    boolean_value: bool | None = None
    json_value: Json = None
    text_value: str | None = None
    reasoning: Text = ""
    assessment: Text = ""
    status: Text = ""
    eval_source_type: Text = ""
    tags: Tags = Field(default_factory=list[str])
    metadata: Object = Field(default_factory=dict[str, Json])
    error: MetricError | str | None = None


class EventsBody(Body):
    spans: list[SpanBody] | None = None
    metrics: list[MetricBody] | None = None
    tags: Tags = Field(default_factory=list[str], description="Of all of them: run_id:..., run_iteration:...")


class SpanEnvelope(Body):
    """One item of the span intake."""

    event_type: Literal["span"] = "span"
    spans: list[SpanBody]


class JoinedSpan(Body):
    span_id: Annotated[Id, Field(min_length=1)]
    trace_id: Id = ""


class Join(Body):
    span: JoinedSpan


class SubmittedMetric(MetricBody):
    """A metric of the evaluation intake: it says by `join_on` or by its own ids what it judges."""

    join_on: Join | None = None
    ml_app: Text = ""


class MetricsBody(Body):
    metrics: list[SubmittedMetric]


def tag_values(tags: Iterable[str]) -> dict[str, str]:
    """`key:value` tags as a map; a tag without a colon has no value."""
    return {key: value for key, colon, value in (tag.partition(":") for tag in tags) if colon}
