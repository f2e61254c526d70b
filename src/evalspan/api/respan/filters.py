"""Respan's filters in their three spellings, as conditions on the fields of a list's items.

    {"cost": {"operator": "gt", "value": [0.01]}}         the standard map
    [{"field": "status", "operator": "=", "value": "x"}]  the list
    {"model": "m", "created_at": {"gte": "2026-01-01"}}   the shorthand

`connector` joins a condition to the next one; AND binds tighter than OR. A bundle
`{"connector": ..., "filter_params": {...}}` is a condition of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from evalspan import confined
from evalspan.api.respan.operators import NEGATIVE, TESTS, operator, text_of
from evalspan.errors import UsageError
from evalspan.model import Json

Connector = Literal["AND", "OR"]
Get = Callable[[Any, str], Json]
"""(item, name of a field) -> its value, None where it has none."""
_BUNDLE: Final = "filter_params"
_NESTED: Final = frozenset({"metadata", "scores", "score", "current_version", "live_version"})
_SAID: Final = frozenset({"field", "name", "operator", "value", "connector"})
_SEPARATORS: Final = str.maketrans({":": ".", "[": ".", "]": None})


@dataclass(frozen=True)
class Condition:
    field: str
    operator: str
    values: tuple[Json, ...]

    def met(self, items: Sequence[Any], get: Get) -> list[bool]:
        """For each item whether it meets the condition."""
        found = [get(item, self.field) for item in items]
        if self.operator == "regex":
            return self._matched(found)
        positive = NEGATIVE.get(self.operator, self.operator)
        test = TESTS[positive]
        return [test(value, self.values) == (positive == self.operator) for value in found]

    def _matched(self, found: list[Json]) -> list[bool]:
        return [
            value is not None and any(_search(str(pattern), text_of(value)) for pattern in self.values)
            for value in found
        ]

    def described(self) -> dict[str, Any]:
        return {"operator": self.operator, "value": list(self.values)}


@dataclass(frozen=True)
class Filter:
    """Conditions and bundles of them, each with how it is joined to the next. Empty, it takes all."""

    parts: tuple[tuple[Condition | Filter, Connector], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def select(self, items: Sequence[Any], get: Get) -> list[Any]:
        """The items that meet it, in their order."""
        if not self.parts:
            return list(items)
        return [item for item, met in zip(items, self.met(items, get), strict=True) if met]

    def met(self, items: Sequence[Any], get: Get) -> list[bool]:
        """For each item whether it is taken."""
        result = [False] * len(items)
        group = [True] * len(items)
        for part, connector in self.parts:
            group = [so_far and met for so_far, met in zip(group, part.met(items, get), strict=True)]
            if connector == "OR":
                result = [before or now for before, now in zip(result, group, strict=True)]
                group = [True] * len(items)
        if not self.parts or self.parts[-1][1] == "AND":
            result = [before or now for before, now in zip(result, group, strict=True)]
        return result

    def fields(self) -> Iterator[str]:
        """The names of all fields that it asks for."""
        for part, _ in self.parts:
            if isinstance(part, Filter):
                yield from part.fields()
            else:
                yield part.field

    def described(self) -> dict[str, Any]:
        """As `current_filters` shows it: the standard map."""
        shown: dict[str, Any] = {}
        for number, (part, connector) in enumerate(self.parts):
            if isinstance(part, Filter):
                shown[f"bundle_{number}"] = {"connector": connector, _BUNDLE: part.described()}
                continue
            each = {**part.described(), **({"connector": connector} if connector == "OR" else {})}
            present = shown.get(part.field)
            shown[part.field] = [*_listed(present), each] if present else each
        return shown


def parse(given: Json, *, known: Callable[[str], bool] | None = None, fold: bool = False) -> Filter:
    """Filters as they were sent; null and an empty object ask for everything.

    Args:
        known: whether a list has a field of this name.
        fold: `contains` ignores case, as on the pages about experiments.

    Raises:
        UsageError: they cannot be read, or name a field that the list does not have.
    """
    found = _filter(given, fold)
    for name in found.fields():
        if known and not known(name):
            raise UsageError(f"There is no field {name!r} to filter by.", pointer="/filters")
    return found


def name_of(field: str) -> str:
    """`metadata__a.b`, `metadata.a.b` and `metadata:a.b` are one field."""
    head, found, tail = field.partition("__")
    return f"{head}.{tail}" if found and head in _NESTED else field.translate(_SEPARATORS)


def _filter(given: Json, fold: bool) -> Filter:
    if given is None:
        return Filter()
    if isinstance(given, list):
        entries = [_entry(each) for each in cast("list[Json]", given)]
    elif isinstance(given, dict):
        entries = list(_bundled(cast("dict[str, Json]", given)))
    else:
        raise UsageError(f"filters must be an object or a list, not {given!r:.80}.", pointer="/filters")
    parts = [part for name, spec in entries for part in _parts(name, spec, fold)]
    return Filter(tuple(parts))


def _bundled(given: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    if _BUNDLE in given:
        yield "", given
    else:
        yield from given.items()


def _entry(each: Json) -> tuple[str, Json]:
    if not isinstance(each, dict):
        raise UsageError(f"A filter must be an object, not {each!r:.80}.", pointer="/filters")
    entry = cast("dict[str, Json]", each)
    name = entry.get("field") or entry.get("name") or ("" if _BUNDLE in entry else None)
    if name is None:
        raise UsageError(f"A filter names no 'field': {entry!r:.120}.", pointer="/filters")
    return str(name), entry


def _parts(name: str, spec: Json, fold: bool) -> Iterator[tuple[Condition | Filter, Connector]]:
    for each in _specs(spec):
        if not isinstance(each, dict):
            yield Condition(name_of(name), "exact", tuple(_listed(each))), "AND"
            continue
        entry = cast("dict[str, Json]", each)
        connector = _connector(entry)
        if _BUNDLE in entry:
            yield _filter(entry[_BUNDLE], fold), connector
        elif entry.keys() & {"operator", "value", "field"}:
            unknown = sorted(entry.keys() - _SAID)
            if unknown:
                raise UsageError(
                    f"The filter on {name!r} has {', '.join(unknown)}; there are operator, value, connector.",
                    pointer="/filters",
                )
            yield _condition(name, str(entry.get("operator") or ""), entry.get("value"), fold), connector
        elif not entry:
            raise UsageError(f"The filter on {name!r} says nothing.", pointer="/filters")
        else:
            for key, value in entry.items():
                yield _condition(name, key, value, fold), "AND"


def _specs(spec: Json) -> list[Json]:
    """A field's conditions; a list of plain values is one that any of them meets."""
    if isinstance(spec, list) and spec and all(isinstance(each, dict) for each in cast("list[Json]", spec)):
        return cast("list[Json]", spec)
    return [spec]


def _condition(name: str, written: str, value: Json, fold: bool) -> Condition:
    known = operator(written)
    if fold and known == "contains":
        known = "icontains"
    unasked = value is None and known in {"isnull", "empty", "not_empty"}
    return Condition(name_of(name), known, () if unasked else tuple(_listed(value)))


def _connector(entry: Mapping[str, Json]) -> Connector:
    given = str(entry.get("connector") or "AND").upper()
    if given not in {"AND", "OR"}:
        raise UsageError(f"connector={given!r} is not AND or OR.", pointer="/filters")
    return cast("Connector", given)


def _listed(value: Json) -> list[Json]:
    return cast("list[Json]", value) if isinstance(value, list) else [value]


def _search(pattern: str, text: str) -> bool:
    """Where a pattern that never ends is ended."""
    try:
        return confined.compute("search", pattern=pattern, text=text) is not None
    except confined.Trouble as trouble:
        raise UsageError(f"The regular expression {pattern!r:.80}: {trouble}", pointer="/filters") from None
