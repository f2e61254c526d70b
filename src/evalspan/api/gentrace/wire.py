"""Bodies as Gentrace's client sends and reads them: camelCase, lists as `{"data": [...]}`, no pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.api.envelope import read_json
from evalspan.experiments import Page
from evalspan.experiments.entity import MAX_PAGE

Item = TypeVar("Item")


class Body(BaseModel):
    """A request body. Unknown fields are ignored: newer clients send more."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


Model = TypeVar("Model", bound=Body)


async def answered(request: Request, model: type[Model], work: Callable[[Request, Model], Any]) -> Response:
    """What `work` makes of the body, in a thread.

    Raises:
        UsageError: the body is no JSON. ValidationError: it is not this model.
    """
    body = model.model_validate(await read_json(request))
    return JSONResponse(await run_in_threadpool(work, request, body))


def one(item: dict[str, Any]) -> Response:
    return JSONResponse(item)


def many(items: Iterable[dict[str, Any]]) -> Response:
    return JSONResponse({"data": list(items)})


def moment(time: datetime | None) -> str | None:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def is_retry(request: Request) -> bool:
    """Whether the client sent the same before and got no answer, or one that it did not take for final."""
    return request.headers.get("x-stainless-retry-count", "0") not in ("", "0")


def every(find: Callable[[str, int], Page[Item]]) -> list[Item]:
    """All pages of `find(cursor, limit)`."""
    found: list[Item] = []
    cursor = ""
    while True:
        page = find(cursor, MAX_PAGE)
        found += page.items
        if not page.after:
            return found
        cursor = page.after
