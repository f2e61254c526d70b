"""Pages: `page`, `page_size` and `sort_by` in the query string, or in the body, and the envelope.

A page past the end is an empty list with status 200: the vendor's pagers go on until they meet one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from evalspan.api.respan.call import Call, answer
from evalspan.errors import UsageError
from evalspan.model import Json

MAX_SIZE: Final = 100
_MAX_NUMBER: Final = 2**40


@dataclass(frozen=True)
class Paging:
    """Which slice of a list is asked for."""

    number: int = 1
    size: int = MAX_SIZE

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    def of(self, items: Sequence[Any]) -> Sequence[Any]:
        return items[self.start : self.start + self.size]


def paging(call: Call, size: int = MAX_SIZE, largest: int = MAX_SIZE) -> Paging:
    """`size` where none is given; a larger one than `largest` is cut to it.

    Raises:
        UsageError: a number is none, or below 1.
    """
    return Paging(_number(call, "page", 1, _MAX_NUMBER), _number(call, "page_size", size, largest))


def sorting(call: Call, default: str) -> tuple[str, bool]:
    """(field, descending)."""
    given = str(option(call, "sort_by") or default)
    return given.removeprefix("-"), given.startswith("-")


def envelope(
    call: Call,
    results: Sequence[Mapping[str, Any]],
    count: int,
    found: Paging,
    filters: Mapping[str, Any] | None = None,
    **more: Any,
) -> Response:
    """One page. `count` is how many match in all."""
    return answer(
        {
            "count": count,
            "total_count": count,
            "next": _link(call, found.number + 1) if found.start + found.size < count else None,
            "previous": _link(call, found.number - 1) if found.number > 1 else None,
            "current_filters": dict(filters or {}),
            **more,
            "results": list(results),
        }
    )


def option(call: Call, name: str) -> Json:
    """An option of the query string or, where old examples put it, of the body."""
    return call.query.get(name) or call.body.get(name)


def given_filters(call: Call) -> Json:
    """Those that an export's link has in its query. Raises UsageError."""
    try:
        return json.loads(call.query.get("filters") or "null")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"filters is not JSON: {error}.", pointer="/filters") from None


def _number(call: Call, name: str, default: int, largest: int) -> int:
    given = option(call, name)
    if given is None or given == "":
        return default
    try:
        number = int(str(given))
    except ValueError:
        raise UsageError(f"{name}={given!r} is not a number.", pointer=f"/{name}") from None
    if number < 1:
        raise UsageError(f"{name}={number} is below 1.", pointer=f"/{name}")
    return min(number, largest)


def _link(call: Call, number: int) -> str:
    return str(call.request.url.include_query_params(page=number))
