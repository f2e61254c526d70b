"""The tree of a search query. `str()` of a node is a query that parses to the same node."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Wild(Enum):
    """A wildcard of a pattern."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True)
class Pattern:
    """What a text must be: literal pieces and wildcards, no two literal pieces side by side."""

    parts: tuple[str | Wild, ...]

    @property
    def literal(self) -> str | None:
        """The text, where there is no wildcard."""
        return None if any(isinstance(part, Wild) for part in self.parts) else "".join(map(str, self.parts))

    def __str__(self) -> str:
        text = self.literal
        if text is not None:
            return quote(text)
        return "".join(p.value if isinstance(p, Wild) else _escaped(p) for p in self.parts)


@dataclass(frozen=True)
class Exists:
    """`field:*`"""

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True)
class Comparison:
    operator: Literal[">", ">=", "<", "<="]
    bound: str

    def __str__(self) -> str:
        return self.operator + quote(self.bound)


@dataclass(frozen=True)
class Range:
    """An end that is None is open."""

    low: str | None
    high: str | None
    with_low: bool = True
    with_high: bool = True

    def __str__(self) -> str:
        low, high = ("*" if end is None else quote(end) for end in (self.low, self.high))
        return f"{'[' if self.with_low else '{'}{low} TO {high}{']' if self.with_high else '}'}"


Test = Pattern | Exists | Comparison | Range


@dataclass(frozen=True)
class Term:
    """One condition. A field of None is a text that stands alone."""

    field: str | None
    test: Test
    position: int = dataclasses.field(default=0, compare=False)
    """Where it starts in the query, from 0."""

    def __str__(self) -> str:
        if self.field is None:
            return str(self.test)
        return f"{_escaped(self.field) if self.field else quote('')}:{self.test}"


@dataclass(frozen=True)
class Not:
    item: Node

    def __str__(self) -> str:
        return f"NOT {_grouped(self.item)}"


@dataclass(frozen=True)
class All:
    """Every one of two or more; of none, `All(())`, everything."""

    items: tuple[Node, ...]

    def __str__(self) -> str:
        return " AND ".join(map(_grouped, self.items))


@dataclass(frozen=True)
class Any:
    """At least one of two or more."""

    items: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(_grouped, self.items))


Node = Term | Not | All | Any

_PLAIN = re.compile(r"[^\s:()\"\[\]{}\\<>=*?-][^\s:()\"\[\]{}\\*?]*")
_SPECIAL = re.compile(r"[\s:()\"\[\]{}\\<>=*?-]")
_KEYWORDS = frozenset({"AND", "OR", "NOT", "TO"})


def quote(text: str) -> str:
    """A text as a value: bare where that reads the same, else in quotes."""
    if _PLAIN.fullmatch(text) and text not in _KEYWORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


def _grouped(node: Node) -> str:
    return f"({node})" if isinstance(node, All | Any) else str(node)
