"""A second reading of the search language, in plain Python over plain rows, to compare the SQL with."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evalspan.analysis.tree import All, Comparison, Exists, Node, Not, Pattern, Range, Term, Test, Wild
from evalspan.analysis.tree import Any as Either

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass
class Item:
    """A run, or a record over its runs: what the search knows of it."""

    key: tuple[str, int]
    numbers: Mapping[str, float | None]
    """By field, as the query writes it."""
    texts: Mapping[str, str | None]
    searched: Mapping[str, str]
    tags: list[str] = field(default_factory=list[str])


def meets(item: Item, node: Node) -> bool:
    match node:
        case Not(inner):
            return not meets(item, inner)
        case All(items):
            return all(meets(item, each) for each in items)
        case Either(items):
            return any(meets(item, each) for each in items)
        case Term():
            return _term(item, node)


def _term(item: Item, term: Term) -> bool:
    name, test = term.field, term.test
    if name is None:
        return isinstance(test, Exists) or any(_found(text, test) for text in item.searched.values())
    if name in item.searched:
        return item.searched[name] != "" if isinstance(test, Exists) else _found(item.searched[name], test)
    if name in item.numbers:
        return _number(item.numbers[name], test)
    if name in item.texts:
        return _text(item.texts[name], test)
    prefix = "" if name == "@tags" else f"{name}:"
    tags = [tag.removeprefix(prefix) for tag in item.tags if tag.startswith(prefix)]
    return bool(tags) if isinstance(test, Exists) else any(_text(tag, test) for tag in tags)


def _number(value: float | None, test: Test) -> bool:
    if value is None:
        return False
    match test:
        case Exists():
            return True
        case Comparison(sign, bound):
            return OPERATORS[sign](value, float(bound))
        case Range(low, high, with_low, with_high):
            above = low is None or OPERATORS[">=" if with_low else ">"](value, float(low))
            return above and (high is None or OPERATORS["<=" if with_high else "<"](value, float(high)))
        case Pattern():
            return value == float(str(test.literal))


def _text(value: str | None, test: Test) -> bool:
    if value is None:
        return False
    if isinstance(test, Exists):
        return True
    if isinstance(test, Pattern):
        return re.fullmatch(_expression(test), value, re.DOTALL) is not None
    number = float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else None
    return _number(number, test)


def _found(value: str, test: Test) -> bool:
    assert isinstance(test, Pattern)
    return re.search(_expression(test), value, re.DOTALL | re.IGNORECASE) is not None


def _expression(pattern: Pattern) -> str:
    signs = {Wild.ANY: ".*", Wild.ONE: "."}
    return "".join(signs[part] if isinstance(part, Wild) else re.escape(part) for part in pattern.parts)
