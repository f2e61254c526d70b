"""How a write is answered.

What cannot be stored now is 429 with `RateLimit-Reset`: the client's queue then keeps it and comes back.
After three answers of 5xx it drops the batch, after one of 400 or 401 at once.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.errors import error_response
from evalspan.api.opik import places
from evalspan.api.opik.writes import Parts
from evalspan.api.scope import catalog, grant
from evalspan.errors import StoreUnavailable

_AGAIN: Final = "2"  # seconds
_KNOWN_LIMIT: Final = 1000

Handler = Callable[[Request], Awaitable[Response]]


def kept(handler: Handler) -> Handler:
    """A handler of a write that the client's queue is to keep where the store is away."""

    @functools.wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except StoreUnavailable as error:
            response = error_response(429, (str(error), ""), path=request.url.path)
            response.headers.update({"retry-after": _AGAIN, "ratelimit-reset": _AGAIN})
            return response

    return answered


async def announce(request: Request, parts: Iterable[Parts]) -> None:
    """See that the projects that are named are the key's and there; ids become names.

    Raises:
        ForbiddenError: one is not the key's. NotFoundError: none has that id.
    """
    given = list(parts)
    if any(each.project_id and not each.project_name for each in given):
        await run_in_threadpool(_name, request, given)
    await run_in_threadpool(make, request, {each.project_name for each in given if each.project_name})


def make(request: Request, projects: Iterable[str]) -> None:
    """Projects come with the first that is written into them; their names are remembered for a while.

    Raises:
        ForbiddenError: one is not the key's.
    """
    state = request.app.state
    if not hasattr(state, "opik_projects") or len(state.opik_projects) > _KNOWN_LIMIT:
        state.opik_projects = set()
    known = cast("set[str]", state.opik_projects)
    for name in {each.strip() for each in projects} - {""}:
        grant(request).require_project(name)
        if name not in known:
            places.project(request, name)
            known.add(name)


def _name(request: Request, given: Iterable[Parts]) -> None:
    for each in given:
        if each.project_id and not each.project_name:
            each.project_name = catalog(request).projects.get(each.project_id, pointer="/project_id").name
