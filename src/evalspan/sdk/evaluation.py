"""Scores: what an evaluator's return value means, and the event that carries it.

One `gen_ai.evaluation.result` log record per score, with the trace and span id of what it judges.
A boolean travels as the number 0 or 1 and its type beside it, so that it averages in SQL.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, cast

from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from evalspan import attributes
from evalspan.capture import content
from evalspan.model import EvaluatorResult, Json, ScoreType, dump
from evalspan.sdk.context import Case

SCOPE = InstrumentationScope("evalspan")


@dataclass(frozen=True)
class Evaluation:
    """One score: a value, or the error that there is one instead."""

    name: str
    value: Json = None
    type: ScoreType = "categorical"
    reasoning: str | None = None
    assessment: str | None = None
    error: str | None = None
    error_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @classmethod
    def of(cls, name: str, returned: Any) -> Evaluation:
        """The evaluation that a return value stands for.

        Raises:
            TypeError, ValueError: the value is of no type of score.
        """
        result = returned if isinstance(returned, EvaluatorResult) else EvaluatorResult(_plain(returned))
        if isinstance(result.value, float) and not math.isfinite(result.value):
            raise ValueError(f"evaluator {name!r} returned {result.value!r}, which no average can hold")
        return cls(
            name=name,
            value=result.value,
            type=result.type,
            reasoning=result.reasoning,
            assessment=result.assessment,
            tags=result.tags,
            metadata=result.metadata,
        )

    @classmethod
    def failed(cls, name: str, error: BaseException) -> Evaluation:
        return cls(name, error=str(error) or type(error).__name__, error_type=type(error).__qualname__)

    @property
    def number(self) -> float | None:
        """The value as it averages; None where it does not."""
        return float(self.value) if isinstance(self.value, bool | int | float) else None

    @property
    def label(self) -> str | None:
        return self.value if isinstance(self.value, str) else None


def shown(evaluation: Evaluation) -> Evaluation:
    """The score as it is recorded: its texts as the redaction leaves them, its numbers as they are."""
    if not content.is_redacting():
        return evaluation
    value, metadata = evaluation.value, content.redacted(dict(evaluation.metadata))
    if isinstance(value, str):
        value = content.told(value) or None
    elif isinstance(value, dict | list):
        value = content.redacted(value)
    return replace(
        evaluation,
        value=value,
        reasoning=content.told(evaluation.reasoning or "") or None,
        error=evaluation.error and (content.told(evaluation.error) or evaluation.error_type),
        metadata=cast("dict[str, Json]", metadata) if isinstance(metadata, dict) else {},
    )


def event(
    evaluation: Evaluation, case: Case, span: trace.SpanContext | None, resource: Resource
) -> ReadableLogRecord:
    """The log record of a score; `span` is what it judges, None for a summary."""
    within = Context() if span is None else trace.set_span_in_context(trace.NonRecordingSpan(span), Context())
    now = time.time_ns()
    record = LogRecord(
        timestamp=now,
        observed_timestamp=now,
        context=within,
        attributes=cast("Any", _attributes(evaluation, case)),
        event_name=attributes.EVALUATION_RESULT,
    )
    return ReadableLogRecord(record, resource, SCOPE)


def _attributes(evaluation: Evaluation, case: Case) -> dict[str, Any]:
    values: dict[str, Any] = {
        **case.attributes,
        attributes.EVALUATION_NAME: evaluation.name,
        attributes.EVALUATION_TYPE: evaluation.type,
        attributes.EVALUATION_SOURCE: "record" if case.record_id else "summary",
        attributes.EVALUATION_SCORE_VALUE: evaluation.number,
        attributes.EVALUATION_SCORE_LABEL: evaluation.label,
        attributes.EVALUATION_JSON: dump(evaluation.value) if evaluation.type == "json" else None,
        attributes.EVALUATION_EXPLANATION: evaluation.reasoning,
        attributes.EVALUATION_ASSESSMENT: evaluation.assessment,
        attributes.ERROR_TYPE: evaluation.error_type,
        attributes.EVALUATION_ERROR: evaluation.error,
    }
    for key, tag in evaluation.tags.items():
        values[attributes.EVALUATION_TAG_PREFIX + key] = tag
    for key, item in evaluation.metadata.items():
        values[attributes.EVALUATION_METADATA_PREFIX + key] = attribute_value(item)
    return {key: value for key, value in values.items() if value is not None}


def attribute_value(value: Json) -> str | bool | int | float:
    """A JSON value as a span attribute: scalars as they are, anything else as JSON text."""
    return value if isinstance(value, str | bool | int | float) else dump(value)


def _plain(value: Any) -> Any:
    """Numbers of other libraries (numpy, Decimal) as Python's own, tuples as lists."""
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return cast("Any", value)
    if isinstance(value, tuple):
        return list(cast("tuple[Any, ...]", value))
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Real) or hasattr(value, "__float__"):
        return float(value)
    raise TypeError(
        f"an evaluator returned {type(value).__name__}: return a bool, number, string, dict, list, None or "
        "EvaluatorResult"
    )
