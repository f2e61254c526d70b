"""Scores, which Gentrace's client has no call for: numbers and booleans under the name `score.*`.

They stand on the case's span as attributes, or in the object that the case returned, often in both: one
name is one score, and the attribute is what counts. What an `eval` returns as a bare number or boolean
is the score of the eval's name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, cast

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evalspan import attributes as names
from evalspan.api.datadog.otlp import attributes
from evalspan.model import Json

PREFIX: Final = "score."
_NUMBERS: Final = ("bool_value", "int_value", "double_value")


def number(key: str, value: AnyValue) -> bool | int | float | None:
    """The score that an attribute is; None where it is none."""
    kind = value.WhichOneof("value")
    if not key.startswith(PREFIX) or key == PREFIX or kind not in _NUMBERS:
        return None
    return cast("bool | int | float", getattr(value, kind))


def events(span: Span, given: Mapping[str, AnyValue], result: Json, *, whole: bool) -> list[Span.Event]:
    """The scores of a case as evaluation events on it.

    Args:
        whole: the case is an `eval`, whose bare result is a score too.
    """
    found: dict[str, bool | int | float] = {}
    if whole and isinstance(result, bool | int | float):
        found[span.name] = result
    if isinstance(result, dict):
        for key, value in cast("dict[str, Json]", result).items():
            if key.startswith(PREFIX) and key != PREFIX and isinstance(value, bool | int | float):
                found[key.removeprefix(PREFIX)] = value
    for key, value in given.items():
        stated = number(key, value)
        if stated is not None:
            found[key.removeprefix(PREFIX)] = stated
    return [_event(span, name, value) for name, value in found.items() if name]


def _event(span: Span, name: str, value: bool | int | float) -> Span.Event:
    values: dict[str, Any] = {names.EVALUATION_NAME: name}
    if isinstance(value, bool) or math.isfinite(value):
        values[names.EVALUATION_SCORE_VALUE] = value
        values[names.EVALUATION_TYPE] = "boolean" if isinstance(value, bool) else "score"
    else:
        values[names.EVALUATION_TYPE] = "score"
        values[names.EVALUATION_ERROR] = f"The score is no finite number: {value}."
    return Span.Event(
        name=names.EVALUATION_RESULT,
        time_unix_nano=span.end_time_unix_nano or span.start_time_unix_nano,
        attributes=attributes(values),
    )
