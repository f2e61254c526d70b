"""What a dialect is: a table from its attribute names to the canonical fields of a span.

A dialect is chosen per span, since traces mix them. Which dialect a span speaks and which of the
table's names it carries depend on its keys alone; spans of one kind share their keys, so this is
worked out once per set of keys (a `Plan`) and then only values are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import orjson

from evalspan.ingest import values
from evalspan.model import deeper_than

Json = Any
Event = tuple[int, str, dict[str, str], dict[str, str], int]
"""(time, name, attributes, attribute types, dropped attributes), as the table holds it."""

EVENTS: Final = "@events"  # what a source `needs` that reads the span's events
_MAX_UINT64: Final = 2**64 - 1
_FEW_DIGITS: Final = 19  # fewer always fit 64 bits
_LONGEST_NUMBER: Final = 400  # characters; every double that anybody writes is shorter
_DEEPEST: Final = 100  # levels of a flattened list; orjson writes 254 and Python recurses 1000
_DEEPEST_TEXT: Final = 200  # levels of JSON in an attribute, for the same reason
_INDEX: Final = re.compile(r"[0-9]{1,9}")


@dataclass(slots=True)
class View:
    """What a dialect may look at."""

    texts: dict[str, str]
    types: dict[str, str]
    events: list[Event]
    start_ns: int

    def value(self, key: str) -> Json:
        """An attribute as plain Python; text that is JSON is parsed. None when absent or empty."""
        text = self.texts.get(key)
        if not text:
            return None
        type = self.types.get(key, "")
        return loads(text) if type == "" else values.as_json(text, type)


@dataclass(slots=True)
class Facts:
    """The canonical fields of one span. None and '' mean that the span did not say."""

    span_type: str = ""
    provider: str = ""
    request_model: str = ""
    response_model: str = ""
    response_id: str = ""
    finish_reasons: Sequence[str] = ()
    input_tokens: int | None = None  # cached tokens included
    output_tokens: int | None = None  # reasoning tokens included
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    time_to_first_token: float | None = None  # seconds
    session_id: str = ""
    user_id: str = ""
    input: str = ""
    output: str = ""
    input_key: str = ""  # the attribute that `input` is the text of, where it is one
    output_key: str = ""


@dataclass(frozen=True)
class At:
    """A place inside the JSON of one attribute."""

    key: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Flat:
    """Attributes `{prefix}{n}.a.b` that together are a list; `unwrap` names a level to leave out."""

    prefix: str
    unwrap: str = ""


@dataclass(frozen=True)
class Made:
    """Whatever a table cannot express. Asked when one of `needs` is there (a prefix ends in '.')."""

    needs: tuple[str, ...]
    make: Callable[[View], Json]


Source = str | At | Flat | Made


@dataclass(frozen=True)
class Dialect:
    """One way of writing LLM spans.

    `marks` (keys, or prefixes ending in '.') and `scopes` (names, or prefixes ending in '.') betray
    it; where several dialects are betrayed, the lowest `rank` speaks. For each canonical field the
    first source that says something counts; after the dialect's own come those of `gen_ai.*`.
    """

    name: str
    rank: int
    marks: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    fields: Mapping[str, tuple[Source, ...]] = field(default_factory=dict[str, tuple[Source, ...]])
    span_types: Mapping[str, str] = field(default_factory=dict[str, str])


def loads(text: str) -> Json:
    """Text as JSON where it is JSON, else the text itself: JSON that was cut off or is nested too
    deep to be written again is no error here."""
    if text[:1] in '{["' or text in ("null", "true", "false"):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        deep = text.count("[") + text.count("{") > _DEEPEST_TEXT and deeper_than(value, _DEEPEST_TEXT)
        return text if deep else value
    return text


def dumps(value: Json) -> str:
    """A value as a column holds it: strings as they are, all else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def count(value: Json) -> int | None:
    """A number of tokens; None for what is not one."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _FEW_DIGITS:
        return int(value)  # as nearly all are: a twelfth of the time of the general way
    number = amount(value)
    if number is None or number < 0 or not number.is_integer() or number > _MAX_UINT64:
        return None
    if isinstance(value, str):  # not by way of float, which has no odd numbers beyond 2^53
        exact = Decimal(value)
        return int(exact) if exact == exact.to_integral_value() else None
    return int(value)


def amount(value: Json) -> float | None:
    """A finite number, also where it was written as text, though not as Python alone would (`1_0`)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > _LONGEST_NUMBER or "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def money(value: Json) -> Decimal | None:
    """US dollars in the twelve places of the column; None for what does not fit it."""
    if amount(value) is None:
        return None
    try:
        dollars = Decimal(str(value)).quantize(Decimal("1e-12"))
    except InvalidOperation:
        return None
    return dollars if abs(dollars) < 10**6 else None


def words(value: Json) -> Sequence[str] | None:
    """A list of strings; a bare string is a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] (JSON)


def text(value: Json) -> str | None:
    """A value as one string."""
    return dumps(value)


def unflatten(view: View, source: Flat) -> Json:
    """`p.0.role`, `p.0.parts.1.text` -> [{"role": ..., "parts": [.., {"text": ...}]}].

    Dots beyond the deepest level are part of its name.
    """
    root: dict[str, Json] = {}
    for key in view.texts:
        if not key.startswith(source.prefix):
            continue
        named = key[len(source.prefix) :].split(".", _DEEPEST)
        steps = [step for step in named if step != source.unwrap] or named
        node = root
        for step in steps[:-1]:
            deeper = node.setdefault(step, {})
            if not isinstance(deeper, dict):
                break
            node = cast("dict[str, Json]", deeper)
        else:
            node[steps[-1]] = values.as_json(view.texts[key], view.types.get(key, ""))
    return _lists(root) or None


def _lists(node: Json) -> Json:
    if not isinstance(node, dict):
        return node
    items: dict[str, Json] = {key: _lists(item) for key, item in node.items()}  # pyright: ignore[reportUnknownVariableType] (JSON)
    if items and all(_INDEX.fullmatch(key) for key in items):
        return [items[key] for key in sorted(items, key=int)]
    return items
