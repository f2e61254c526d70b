"""The dictionary of the fuzzer: names that chance would not spell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from evalspan.api.datadog.events import SpanEnvelope, SubmittedMetric
from evalspan.ingest import Signal
from fuzz import seeds

_VALUES: Final = (
    "[[[[", '{"a":', "\\ud800", "1e999", "18446744073709551616", "9007199254740993.0", "NaN", "²", "0x",
    "null", "true", "message.", "2026-01-01T00:00:00+23:59",
)  # fmt: skip


def entries() -> Iterator[str]:
    """Lines of a libFuzzer dictionary."""
    forms = {
        name
        for signal in Signal
        for message in seeds.requests(signal)
        for name in _names(seeds.form(message))
    }
    fields = {*_fields(SpanEnvelope), *_fields(SubmittedMetric)}
    for word in sorted({*seeds.attribute_names(), *forms, *fields, *_VALUES}):
        yield '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n'


def _names(form: Any) -> Iterator[str]:
    if isinstance(form, dict):
        for name, item in form.items():  # pyright: ignore[reportUnknownVariableType] (JSON)
            yield str(name)  # pyright: ignore[reportUnknownArgumentType] (JSON)
            yield from _names(item)
    elif isinstance(form, list):
        for item in form:  # pyright: ignore[reportUnknownVariableType] (JSON)
            yield from _names(item)


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner)
