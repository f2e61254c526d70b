"""Values as this face shows and finds them: JSON text, paths into items, and order."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from evalspan.api.respan.operators import moment
from evalspan.errors import UsageError
from evalspan.model import Json, dump

_TIMES: Final = frozenset(
    {"created_at", "updated_at", "started_at", "completed_at", "start_time", "end_time", "timestamp"}
)


_VERSIONS: Final = frozenset({"current_version", "live_version"})


def text(value: Json) -> str | None:
    """A value as its JSON text, as the vendor's lists have it; a text stays as it is."""
    return value if value is None or isinstance(value, str) else dump(value)


def parsed(written: str | None) -> Json:
    """What a stored text says: JSON, or a text that another program wrote."""
    try:
        return json.loads(written) if written else None
    except ValueError:
        return written


def look_up(item: Mapping[str, Json], name: str) -> Json:
    """A field of an item: its own, or a path like `metadata.team.name` into one. Times are moments."""
    if name in item:
        found = item[name]
        return moment(found) if name in _TIMES and isinstance(found, str) else found
    value: Json = item
    rest = name
    while isinstance(value, Mapping):
        inside = cast("Mapping[str, Json]", value)
        if rest in inside:
            found = inside[rest]
            return (
                moment(found)
                if rest in _TIMES and name.partition(".")[0] in _VERSIONS and isinstance(found, str)
                else found
            )
        head, dot, rest = rest.partition(".")
        if not dot:
            return None
        value = inside.get(head)
    return None


def ordered(
    items: Sequence[Any], get: Callable[[Any], Json], field: str, *, descending: bool, known: bool
) -> list[Any]:
    """Items by one field; those without it come last.

    Raises:
        UsageError: there is no such field.
    """
    if not known:
        raise UsageError(f"sort_by={field!r} is not a field of this list.", pointer="/sort_by")
    having = [(get(item), item) for item in items]
    present = [pair for pair in having if pair[0] is not None]
    absent = [item for value, item in having if value is None]
    present.sort(key=lambda pair: _key(pair[0]), reverse=descending)
    return [*(item for _, item in present), *absent]


def _key(value: Json) -> tuple[int, Any]:
    """Numbers before moments before texts, so that any two values compare."""
    if isinstance(value, bool | int | float):
        return 0, value
    if isinstance(value, datetime):
        return 1, value.timestamp()
    return 2, value if isinstance(value, str) else dump(value)
