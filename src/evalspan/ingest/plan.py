"""Choosing the dialect of a span, and reading its canonical fields."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from sys import getsizeof
from typing import Any, Final

import evalspan.ingest.dialects as package
from evalspan import attributes as names
from evalspan import memory
from evalspan.ingest.cases import CaseKeys
from evalspan.ingest.dialect import (
    EVENTS,
    At,
    Dialect,
    Facts,
    Flat,
    Made,
    Source,
    View,
    amount,
    count,
    dumps,
    money,
    text,
    unflatten,
    words,
)

Json = Any
Reader = Callable[[View], Json]

_CONVERT: Final[dict[str, Callable[[Json], Json]]] = {
    "provider": text,
    "request_model": text,
    "response_model": text,
    "response_id": text,
    "session_id": text,
    "user_id": text,
    "finish_reasons": words,
    "input_tokens": count,
    "output_tokens": count,
    "total_tokens": count,
    "cache_read_tokens": count,
    "cache_write_tokens": count,
    "reasoning_tokens": count,
    "cost_usd": money,
    "time_to_first_token": amount,
}
_LONG: Final = ("input", "output")
_BASE: Final = "semconv"
# What a plan takes beside its keys: 5.3 kB was measured for LLM spans, and 48 bytes for a key of metadata.
_PLAN_BYTES: Final = 8192
_KEY_BYTES: Final = 64
_HTTP: Final = frozenset({names.HTTP_REQUEST_METHOD, names.HTTP_METHOD})


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every dialect that has a file in `dialects/`, the one that is asked first leading."""
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    return tuple(sorted((module.DIALECT for module in modules), key=lambda dialect: dialect.rank))


class Plan:
    """What is to be read from spans that carry a given set of keys."""

    def __init__(self, scope: str, keys: frozenset[str]) -> None:
        """`keys`: the attribute keys, and EVENTS where the span has events."""
        found = _detect(scope, keys)
        self.dialect = found.name if found else ""
        self.ours = any(key.startswith(("evalspan.", "test.")) for key in keys)
        self.case_keys = CaseKeys.of(sorted(keys))
        self._http = not keys.isdisjoint(_HTTP)
        self._types: list[tuple[Reader, dict[str, str]]] = []
        self._fields: list[tuple[str, Callable[[Json], Json], list[Reader]]] = []
        self._long: list[tuple[str, list[tuple[str, Reader]]]] = []
        if found:
            base = next(dialect for dialect in dialects() if dialect.name == _BASE)
            self._compile([found] if found is base else [found, base], keys)

    def read(self, view: View) -> Facts:
        """The canonical fields of one span."""
        facts = Facts()
        for name, convert, readers in self._fields:
            for reader in readers:
                value = reader(view)
                if value is not None and value != "" and (value := convert(value)) is not None:
                    setattr(facts, name, value)
                    break
        for name, sources in self._long:
            for key, reader in sources:
                value = reader(view)
                if value is not None and value != "":
                    setattr(facts, name, dumps(value))
                    setattr(facts, f"{name}_key", key)
                    break
        facts.span_type = self._span_type(view, facts)
        return facts

    def _span_type(self, view: View, facts: Facts) -> str:
        for reader, types in self._types:
            found = types.get(str(reader(view) or "").lower())
            if found:
                return found
        if facts.request_model and facts.input_tokens is not None:
            return names.LLM
        return names.HTTP if self._http else ""

    def _compile(self, chain: list[Dialect], keys: frozenset[str]) -> None:
        for name in ("span_type", *_CONVERT, *_LONG):
            for dialect in chain:
                sources = [source for source in dialect.fields.get(name, ()) if _present(source, keys)]
                if name == "span_type":
                    self._types += [(_reader(source), dict(dialect.span_types)) for source in sources]
                elif name in _LONG:
                    self._add_long(name, sources)
                else:
                    self._add(name, sources)

    def _add(self, name: str, sources: Iterable[Source]) -> None:
        readers = [_reader(source) for source in sources]
        if self._fields and self._fields[-1][0] == name:
            self._fields[-1][2].extend(readers)
        elif readers:
            self._fields.append((name, _CONVERT[name], readers))

    def _add_long(self, name: str, sources: Iterable[Source]) -> None:
        found = [(source if isinstance(source, str) else "", _long_reader(source)) for source in sources]
        if self._long and self._long[-1][0] == name:
            self._long[-1][1].extend(found)
        elif found:
            self._long.append((name, found))


class Plans:
    """The plans of the sets of keys seen so far; forgotten all at once when they are too many or too wide."""

    LIMIT: Final = 4096
    BYTES: Final = memory.PLANS
    """What all of them may take together. A shape of more than a 64th of it is planned anew each time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool, tuple[str, ...]], Plan] = {}
        self._bytes = 0

    def of(self, scope: str, view: View) -> Plan:
        """The plan for a span."""
        shape = (scope, bool(view.events), tuple(view.texts))
        plan = self._known.get(shape)
        if plan is None:
            keys = frozenset(view.texts) | ({EVENTS} if view.events else frozenset[str]())
            plan = Plan(scope, keys)
            self._keep(shape, plan)
        return plan

    def _keep(self, shape: tuple[str, bool, tuple[str, ...]], plan: Plan) -> None:
        scope, _, keys = shape
        size = _PLAN_BYTES + getsizeof(scope) + sum(getsizeof(key) + _KEY_BYTES for key in keys)
        if size > self.BYTES // 64:
            return
        if len(self._known) >= self.LIMIT or self._bytes + size > self.BYTES:
            self._known.clear()
            self._bytes = 0
        self._known[shape] = plan
        self._bytes += size


def _detect(scope: str, keys: frozenset[str]) -> Dialect | None:
    for dialect in dialects():
        if any(_has(keys, mark) for mark in dialect.marks) or _is_scope(scope, dialect.scopes):
            return dialect
    return None


def _is_scope(scope: str, known: tuple[str, ...]) -> bool:
    return any(scope.startswith(name) if name.endswith(".") else scope == name for name in known)


def _has(keys: frozenset[str], mark: str) -> bool:
    return any(key.startswith(mark) for key in keys) if mark.endswith(".") else mark in keys


def _present(source: Source, keys: frozenset[str]) -> bool:
    match source:
        case str():
            return source in keys
        case At():
            return source.key in keys
        case Flat():
            return _has(keys, source.prefix)
        case Made():
            return any(_has(keys, need) for need in source.needs)


def _reader(source: Source) -> Reader:
    match source:
        case str():
            key = source
            return lambda view: _scalar(view, key)
        case At():
            place = source
            return lambda view: _inside(view.value(place.key), place.path)
        case Flat():
            flat = source
            return lambda view: unflatten(view, flat)
        case Made():
            return source.make


def _long_reader(source: Source) -> Reader:
    """For `input` and `output`: the text of an attribute as it stands, also where it is JSON."""
    if isinstance(source, str):
        key = source
        return lambda view: view.texts.get(key)
    return _reader(source)


def _scalar(view: View, key: str) -> Json:
    text = view.texts.get(key)
    if not text or not view.types or key not in view.types:
        # A string: quoted JSON is taken out of its quotes, since MLflow writes every string so.
        return view.value(key) if text and text[0] in '["' else text
    return view.value(key)


def _inside(value: Json, path: tuple[str, ...]) -> Json:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (JSON)
    return value  # pyright: ignore[reportUnknownVariableType] (JSON)
