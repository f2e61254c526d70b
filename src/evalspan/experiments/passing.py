"""What passes: conditions on a score, in the form of Respan's filters.

    {"primary_score": {"operator": "gte", "value": 3}}

Several conditions must all hold. Of several values, equality means any of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from evalspan.errors import UsageError
from evalspan.model import Json

FIELDS: Final = (
    "primary_score", "numerical_value", "boolean_value", "string_value", "categorical_value",
)  # fmt: skip
"""The first three are the score as a number; the others its text or texts."""
_NUMBERS: Final = frozenset(FIELDS[:3])
_ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    "gt": operator.gt, ">": operator.gt, "gte": operator.ge, ">=": operator.ge,
    "lt": operator.lt, "<": operator.lt, "lte": operator.le, "<=": operator.le,
}  # fmt: skip
_ANY: Final = frozenset({"", "=", "==", "eq", "equals", "exact", "in", "IN", "iexact"})
_NONE: Final = frozenset({"!=", "not", "not_in", "NOT IN", "ne"})


def check(conditions: Mapping[str, Json]) -> None:
    """Raises UsageError where the conditions cannot be read."""
    for field, name, values in _each(conditions):
        if name in _ORDER and (field not in _NUMBERS or _number(values[0]) is None):
            raise UsageError(f"{name!r} compares numbers, not {field} with {values[0]!r}.", pointer=_POINTER)


def passes(conditions: Mapping[str, Json], number: float | None, texts: list[str] | None) -> bool | None:
    """Whether a score does; None where no condition is stated, or the score has not what it looks at.

    Args:
        number: the score as a number, where it has one.
        texts: the score as words: its choices, of which there may be none, or its text; None for a number.
    """
    if not conditions:
        return None
    verdicts = [_holds(field, name, values, number, texts) for field, name, values in _each(conditions)]
    return None if None in verdicts else all(verdicts)


def _holds(
    field: str, name: str, values: list[Json], number: float | None, texts: list[str] | None
) -> bool | None:
    if field in _NUMBERS:
        if number is None:
            return None
        if name in _ORDER:
            limit = _number(values[0])
            return None if limit is None else _ORDER[name](number, limit)
        found = any(_number(value) == number for value in values)
    else:
        if texts is None:
            return None
        fold = str.casefold if name == "iexact" else str
        found = bool({fold(text) for text in texts} & {fold(str(value)) for value in values})
    return found == (name in _ANY)


def _each(conditions: Mapping[str, Json]) -> list[tuple[str, str, list[Json]]]:
    """(field, operator, values). Raises UsageError."""
    found: list[tuple[str, str, list[Json]]] = []
    for field, given in conditions.items():
        if field not in FIELDS:
            raise UsageError(
                f"passing_conditions knows {', '.join(FIELDS)}, not {field!r}.", pointer=_POINTER
            )
        for one in cast("list[Json]", given) if isinstance(given, list) else [given]:
            found.append((field, *_condition(one)))
    return found


def _condition(given: Json) -> tuple[str, list[Json]]:
    said: dict[str, Any] = cast("dict[str, Any]", given) if isinstance(given, dict) else {"value": given}
    name, value = str(said.get("operator") or ""), said.get("value")
    if str(said.get("connector") or "AND").upper() != "AND":
        raise UsageError("passing_conditions must all hold: connector OR is not known.", pointer=_POINTER)
    if name not in _ORDER and name not in _ANY | _NONE:
        known = ", ".join(sorted({*_ORDER, *_ANY, *_NONE} - {""}))
        raise UsageError(f"passing_conditions has no operator {name!r}; it has {known}.", pointer=_POINTER)
    values = cast("list[Json]", value) if isinstance(value, list) else [value]
    if not values or None in values:
        raise UsageError("A passing condition has no value.", pointer=_POINTER)
    return name, values


def _number(value: Json) -> float | None:
    """A boolean is 1 or 0; a text is a number where it is written as one."""
    try:
        return float(value) if isinstance(value, bool | int | float | str) else None
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(str(value).lower())


_POINTER: Final = "/passing_conditions"
