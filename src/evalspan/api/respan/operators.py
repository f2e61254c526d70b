"""The operators of Respan's filters, in all their spellings.

What is compared is a value of JSON or a moment. A field that is missing meets no condition but the
negative ones: `not`, `not_in`, `not_contains`, ... and `isnull`, `empty`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, cast

from evalspan.errors import UsageError
from evalspan.model import Json, dump

Test = Callable[[Json, Sequence[Json]], bool]
_SIMILAR: Final = 0.6  # as pg_trgm.word_similarity_threshold


def operator(name: str) -> str:
    """The one name of an operator that has several.

    Raises:
        UsageError: there is no such operator.
    """
    known = _SPELLINGS.get(name.strip().lower().replace(" ", "_"))
    if known is None:
        raise UsageError(
            f"There is no filter operator {name!r}; there are {', '.join(sorted(TESTS))}.", pointer="/filters"
        )
    return known


def truth(value: Json) -> bool:
    """A boolean as it is written in filters: true, "true", 1."""
    return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes"}


def asked_truth(value: Json) -> bool:
    """What is asked for; raises UsageError where it is neither true nor false."""
    if str(value).lower() not in {"true", "false", "1", "0", "yes", "no"}:
        raise UsageError(f"{value!r:.80} is not true or false.", pointer="/filters")
    return truth(value)


def moment(text: Json) -> datetime:
    """A time in ISO 8601; without a zone it is UTC. Raises UsageError."""
    try:
        if not isinstance(text, str):
            raise ValueError
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day of all, in another zone
        raise UsageError(f"{text!r:.80} is not a time in ISO 8601.", pointer="/filters") from None


def text_of(value: Json) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else dump(value)


def equals(value: Json, wanted: Json) -> bool:
    """Numbers and booleans also equal what is written as they are; a text equals its own letters only."""
    if value is None or wanted is None:
        return value is wanted
    if isinstance(value, datetime):
        return value == moment(str(wanted))
    if isinstance(value, str):
        return value == text_of(wanted)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _boolean(value) is not None and _boolean(value) == _boolean(wanted)
    if isinstance(value, list):
        return value == wanted or any(equals(item, wanted) for item in cast("list[Json]", value))
    left, right = _number(value), _number(wanted)
    return left == right if left is not None and right is not None else value == wanted


def _boolean(value: Json) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _number(value: Json) -> int | float | None:
    """Whole numbers stay whole, for doubles of neighbours beyond 2**53 are equal."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return None


def _order(value: Json, wanted: Sequence[Json]) -> int | None:
    """-1, 0 or 1; None where the two cannot be ordered."""
    if len(wanted) != 1:
        raise UsageError(f"lt, lte, gt and gte take one value, not {list(wanted)!r:.80}.", pointer="/filters")
    limit = wanted[0]
    if value is None:
        return None
    if isinstance(value, datetime):
        bound = moment(str(limit))
        return (value > bound) - (value < bound)
    left, right = _number(value), _number(limit)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    if isinstance(value, int | float):
        raise UsageError(f"{limit!r:.80} is not a number, as the field is.", pointer="/filters")
    return (value > limit) - (value < limit) if isinstance(value, str) and isinstance(limit, str) else None


def _in_text(change: Callable[[str], str], inside: Callable[[str, str], bool]) -> Test:
    def test(value: Json, wanted: Sequence[Json]) -> bool:
        if value is None:
            return False
        text = change(text_of(value))
        return any(inside(text, change(text_of(each))) for each in wanted)

    return test


def _same(text: str) -> str:
    return text


def _like(text: str, pattern: str) -> bool:
    """SQL's LIKE: % is any text and _ one character. Greedy over the fixed parts, so never slow."""
    parts = [re.escape(part).replace("_", ".") for part in pattern.split("%")]
    if len(parts) == 1:
        return re.fullmatch(parts[0], text, re.DOTALL) is not None
    first = re.match(parts[0], text, re.DOTALL)
    if first is None:
        return False
    position = first.end()
    for part in parts[1:-1]:
        found = re.compile(part, re.DOTALL).search(text, position)
        if found is None:
            return False
        position = found.end()
    rest = re.search(f"(?:{parts[-1]})\\Z", text[position:], re.DOTALL)
    return rest is not None


def _words(text: str, asked: str) -> bool:
    return all(word in text for word in re.findall(r"\w+", asked))


def _similar(text: str, asked: str) -> bool:
    """How much of what is asked for stands in the text, by groups of three characters."""
    wanted, there = _trigrams(asked), _trigrams(text)
    return bool(wanted) and len(wanted & there) / len(wanted) >= _SIMILAR


def _trigrams(text: str) -> set[str]:
    padded = (f"  {word} " for word in re.findall(r"\w+", text))
    return {word[start : start + 3] for word in padded for start in range(len(word) - 2)}


def _empty(value: Json) -> bool:
    return value is None or value in ("", [], {})


def _overlap(value: Json, wanted: Sequence[Json]) -> bool:
    items = cast("list[Json]", value) if isinstance(value, list) else [value]
    return any(equals(item, each) for item in items for each in wanted)


def _asked(test: Callable[[Json], bool]) -> Test:
    """An operator whose value says whether it is asked or its contrary; without one it is asked."""
    return lambda value, wanted: test(value) == (asked_truth(wanted[0]) if wanted else True)


TESTS: Final[dict[str, Test]] = {
    "exact": lambda value, wanted: any(equals(value, each) for each in wanted),
    "iexact": _in_text(str.casefold, lambda text, each: text == each),
    "lt": lambda value, wanted: _order(value, wanted) == -1,
    "lte": lambda value, wanted: _order(value, wanted) in (-1, 0),
    "gt": lambda value, wanted: _order(value, wanted) == 1,
    "gte": lambda value, wanted: _order(value, wanted) in (0, 1),
    "contains": _in_text(_same, lambda text, each: each in text),
    "icontains": _in_text(str.casefold, lambda text, each: each in text),
    "startswith": _in_text(_same, str.startswith),
    "endswith": _in_text(_same, str.endswith),
    "ilike": _in_text(str.casefold, _like),
    "full_text_search": _in_text(str.casefold, _words),
    "trigram_word_similar": _in_text(str.casefold, _similar),
    "isnull": _asked(lambda value: value is None),
    "empty": _asked(_empty),
    "overlap": _overlap,
    "has_key": lambda value, wanted: isinstance(value, dict) and any(str(each) in value for each in wanted),
}
"""By name; what is negative is the contrary of one of them, see NEGATIVE. `regex` has a file of its own."""
NEGATIVE: Final = {
    "not": "exact",
    "not_contains": "contains",
    "not_startswith": "startswith",
    "not_endswith": "endswith",
    "not_overlap": "overlap",
    "not_empty": "empty",
}
_SPELLINGS: Final = {
    **{name: name for name in (*TESTS, *NEGATIVE, "regex")},
    **dict.fromkeys(("", "=", "==", "eq", "equals", "in"), "exact"),
    **dict.fromkeys(("!=", "<>", "ne", "neq", "not_equals", "not_in"), "not"),
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    "notempty": "not_empty",
    "starts_with": "startswith",
    "ends_with": "endswith",
}
