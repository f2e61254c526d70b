"""One operation of an HTTP face: the route that serves it and what `/openapi.json` says of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import blocking

Endpoint = Callable[..., Any]


@dataclass(frozen=True)
class Query:
    """A query parameter."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """`endpoint` takes the request and returns the response; a plain function runs in a thread."""

    method: str
    path: str
    summary: str
    endpoint: Endpoint
    query: tuple[Query, ...] = ()
    body: type[BaseModel] | Mapping[str, Any] | None = None
    """The model of a JSON body, or the `content` of another kind of body."""
    answer: type[BaseModel] | None = None
    """The model of the JSON answer; None is an empty body."""
    status: int = 200
    refusals: tuple[int, ...] = (400,)


def text(name: str, description: str = "", *, required: bool = False) -> Query:
    return Query(name, description, {"type": "string"}, required)


def texts(name: str, description: str = "") -> Query:
    """A parameter that may be repeated."""
    return Query(name, description, {"type": "array", "items": {"type": "string"}})


def number(name: str, description: str = "", **bounds: int) -> Query:
    return Query(name, description, {"type": "integer", **bounds})


def flag(name: str, description: str = "") -> Query:
    return Query(name, description, {"type": "boolean"})


PAGE: Final = (
    text("page[cursor]", "`meta.after` of the page before."),
    number("page[limit]", "How many at most.", minimum=1, maximum=5000),
)


def routes(operations: Iterable[Operation]) -> list[BaseRoute]:
    """The routes that serve the operations."""
    return [
        Route(
            item.path,
            item.endpoint if inspect.iscoroutinefunction(item.endpoint) else blocking(item.endpoint),
            methods=[item.method],
        )
        for item in operations
    ]
