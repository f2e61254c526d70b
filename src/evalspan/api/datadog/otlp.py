"""Building OTLP messages from plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from evalspan import attributes as names


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes, without those that are None or ''; only a score's label may be an empty text."""
    return [
        KeyValue(key=key, value=any_value(value))
        for key, value in values.items()
        if value is not None and (value != "" or key == names.EVALUATION_SCORE_LABEL)
    ]


def any_value(value: Any) -> AnyValue:
    """A value as an attribute's. A whole number of more than 64 bits becomes its digits: as a double it
    would be another one."""
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))  # pyright: ignore[reportUnknownVariableType] (JSON)
        case _:
            return AnyValue(string_value=str(value))
