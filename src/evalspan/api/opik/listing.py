"""Lists in numbered pages, as Opik's clients ask for them, over ours, which run on by cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.opik.wire import page, place
from evalspan.experiments import Page
from evalspan.model import Json

T = TypeVar("T")
_STEP: Final = 1000


def every(find: Callable[[str, int], Page[T]]) -> Iterator[T]:
    """All items of a list; `find` takes a cursor and a limit."""
    cursor = ""
    while True:
        found = find(cursor, _STEP)
        yield from found.items
        cursor = found.after
        if not cursor:
            return


def slice_of(request: Request, documents: Sequence[Json]) -> Response:
    """The page of them that the request asks for."""
    return slice_with(request, documents, lambda found: found)


def slice_with(
    request: Request, items: Sequence[T], render: Callable[[Sequence[T]], Sequence[Json]]
) -> Response:
    """The page of them that the request asks for; only what is on it is rendered."""
    number, size = place(request)
    start = (number - 1) * size
    return page(render(items[start : start + size]), number, len(items))
