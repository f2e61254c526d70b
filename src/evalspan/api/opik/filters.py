"""The clients' query language (OQL), which arrives parsed: a JSON list of conditions that all must hold.

    [{"field": "data", "key": "city", "operator": "=", "value": "Bern", "type": "string"}]

Texts are compared without regard to case, as Opik compares them. A value that is not there meets `!=`,
`not_contains` and `is_empty`, and no other operator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from evalspan.api.opik.wire import Body
from evalspan.errors import UsageError
from evalspan.model import Json

_NEGATIVE: Final = {"!=": "=", "not_contains": "contains", "not_in": "in", "is_not_empty": "is_empty"}


class Condition(Body):
    field: str
    operator: str
    value: Json = ""
    key: str | None = None
    type: str | None = None


_CONDITIONS: Final = TypeAdapter(list[Condition])
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda found, wanted: found == wanted,
    ">": lambda found, wanted: found > wanted,
    ">=": lambda found, wanted: found >= wanted,
    "<": lambda found, wanted: found < wanted,
    "<=": lambda found, wanted: found <= wanted,
    "contains": lambda found, wanted: str(wanted) in str(found),
    "starts_with": lambda found, wanted: str(found).startswith(str(wanted)),
    "ends_with": lambda found, wanted: str(found).endswith(str(wanted)),
}
OPERATORS: Final = frozenset({*_COMPARE, *_NEGATIVE, "is_empty", "in"})


def parse(given: str | Sequence[Mapping[str, Any]] | None, fields: frozenset[str]) -> list[Condition]:
    """The conditions of a request; none where none are given.

    Raises:
        UsageError: it is no such list, or asks for a field or an operator that there is not.
    """
    if not given:
        return []
    try:
        document = json.loads(given) if isinstance(given, str) else given
        found = _CONDITIONS.validate_python(document)
    except (ValueError, ValidationError, RecursionError):
        raise UsageError(f"filters={str(given)[:200]!r} is not a JSON list of conditions.") from None
    for each in found:
        if each.field.partition(".")[0] not in fields:
            raise UsageError(f"A filter asks for {each.field!r}; there is {', '.join(sorted(fields))}.")
        if each.operator not in OPERATORS:
            raise UsageError(f"A filter has the operator {each.operator!r}; there is {sorted(OPERATORS)}.")
    return found


def matches(document: Mapping[str, Json], conditions: Sequence[Condition]) -> bool:
    """Whether all conditions hold for an entity as it is answered."""
    return all(_holds(document, each) for each in conditions)


def _holds(document: Mapping[str, Json], condition: Condition) -> bool:
    found = _value(document, condition)
    positive = _NEGATIVE.get(condition.operator)
    if positive:
        return not _meets(found, positive, condition.value)
    return _meets(found, condition.operator, condition.value)


def _value(document: Mapping[str, Json], condition: Condition) -> Json:
    """What stands at the field, or below it at the key; `a.b` leads into objects."""
    field, dot, below = condition.field.partition(".")
    found = document.get(field)
    for key in (below if dot else condition.key or "").split("."):
        if key:
            found = cast("dict[str, Json]", found).get(key) if isinstance(found, dict) else None
    return found


def _meets(found: Json, operator: str, wanted: Json) -> bool:
    if operator == "is_empty":
        return found in (None, "", [], {})
    if operator == "in":
        choices = cast("list[Json]", wanted) if isinstance(wanted, list) else str(wanted).split(",")
        return any(_meets(found, "=", each) for each in choices)
    if found is None:
        return False
    if isinstance(found, list):
        return any(_meets(each, operator, wanted) for each in cast("list[Json]", found))
    return _COMPARE[operator](*_comparable(found, wanted))


def _comparable(found: Json, wanted: Json) -> tuple[Any, Any]:
    """Both as numbers or as times where both are, else as texts in lower case."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        try:
            return float(found), float(str(wanted))
        except ValueError:
            pass
    if isinstance(found, str):
        times = _time(found), _time(str(wanted))
        if times[0] and times[1]:
            return times
    return _text(found), _text(wanted)


def _text(value: Json) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).lower()


def _time(text: str) -> datetime | None:
    if len(text) < len("2026-01-01T00:00"):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
