"""The nouns, as they pass between the SDK, the service and the store."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

Json = Any
"""Anything that JSON can hold."""

ScoreType = Literal["score", "categorical", "boolean", "json"]
ExperimentStatus = Literal["running", "completed", "failed", "interrupted"]


class Record(BaseModel):
    """One item of a dataset."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default="", description="Unique in its dataset; given by the service where empty.")
    input: Json
    expected_output: Json = None
    metadata: dict[str, Json] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)


class EvaluatorResult(BaseModel):
    """What an evaluator may return instead of a bare value, to say more.

    `value` decides the type of the score: a bool is `boolean`, a number is `score`, a string is
    `categorical`, a dict or list is `json`, None is an evaluation without a value.
    """

    model_config = ConfigDict(extra="forbid")

    value: bool | int | float | str | dict[str, Json] | list[Json] | None
    reasoning: str | None = None
    assessment: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Json] = Field(default_factory=dict)

    def __init__(self, value: Json = None, /, **fields: Any) -> None:
        super().__init__(**{"value": value, **fields})

    @property
    def type(self) -> ScoreType:
        return score_type(self.value)


def score_type(value: Json) -> ScoreType:
    """Which type of score a Python value is."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "score"
    if isinstance(value, dict | list):
        return "json"
    return "categorical"


def dump(value: Json) -> str:
    """A value as JSON text; what JSON does not know becomes its `str()`, so that nothing raises.

    NaN and infinities become null: JSON has no such numbers. Half a surrogate pair becomes `?`:
    UTF-8 has no such character, and no transport carries one.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        text = _dump_anyway(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _dump_anyway(value: Json) -> str:
    try:
        return json.dumps(_finite(value), ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return json.dumps(str(value), ensure_ascii=False)


def _plain(value: Json) -> Json:
    """What stands for an object that JSON does not know: its fields where it has some."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(cast("set[Any]", value), key=str)
    return str(value)


def _finite(value: Json) -> Json:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in cast("dict[Any, Json]", value).items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("list[Json]", value)]
    return value


def deeper_than(value: Json, levels: int) -> bool:
    """Whether lists and objects are nested in more levels; asks without recursion."""
    level: list[Json] = [value]
    for _ in range(levels):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in cast("list[Json]", list(item.values()) if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
