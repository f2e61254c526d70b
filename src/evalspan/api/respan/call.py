"""One call of the Respan face: its operations, what a handler is given, and the routes.

Every path answers with and without its last slash: a redirect would lose the body of a POST. A handler
runs in a worker thread and may therefore block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from google.protobuf.message import Message
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.access import Grant
from evalspan.api import scope
from evalspan.api.envelope import read_json
from evalspan.errors import UsageError
from evalspan.experiments import Catalog, Project
from evalspan.ingest import Ingest, Receipt, Signal
from evalspan.jobs import Jobs
from evalspan.model import Json
from evalspan.settings import Settings
from evalspan.store import Store

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")
PREFIX: Final = "/respan"


@dataclass(frozen=True)
class Call:
    """A request whose body was read."""

    request: Request
    body: Mapping[str, Json]
    """The JSON object that was sent; empty where there was none."""
    loop: asyncio.AbstractEventLoop

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def catalog(self) -> Catalog:
        return scope.catalog(self.request)

    @property
    def store(self) -> Store:
        return self.catalog.store

    @property
    def grant(self) -> Grant:
        return scope.grant(self.request)

    @property
    def settings(self) -> Settings:
        return self.request.app.state.settings

    @property
    def jobs(self) -> Jobs:
        return self.request.app.state.jobs

    def project(self) -> Project:
        """Where what is created goes: the project of the key, else that of EVALSPAN_PROJECT."""
        return self.catalog.projects.get_or_create(self.grant.project or self.settings.project)

    def model(self, kind: type[Model]) -> Model:
        """The body as a model. Raises ValidationError."""
        return kind.model_validate(dict(self.body))

    def send(self, signal: Signal, message: Message) -> Receipt:
        """Hand telemetry to the ingest; when this returns, the store holds it.

        Raises:
            UsageError: some of it was refused.
        """
        ingest: Ingest = self.request.app.state.ingest

        receipt = self.wait(ingest.export(signal, message, project=self.grant.project))
        if receipt.rejected:
            raise UsageError(receipt.message)
        return receipt

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of something asynchronous, which runs on the service's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Operation:
    """`path` is what stands below `/respan`, with its last slash."""

    methods: str
    """One or more, separated by blanks."""
    path: str
    handler: Handler


def routes(operations: Iterable[Operation]) -> list[BaseRoute]:
    """Both spellings of each operation."""
    return [
        Route(spelling, _endpoint(item.handler), methods=item.methods.split())
        for item in operations
        for spelling in (item.path, item.path.removesuffix("/"))
    ]


def answer(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status)


def nothing() -> Response:
    """What a deletion answers."""
    return Response(status_code=204)


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(
            handler, Call(request, await _body(request), asyncio.get_running_loop())
        )

    return endpoint


async def _body(request: Request) -> Mapping[str, Json]:
    if request.method in {"GET", "HEAD"} or request.headers.get("content-length") == "0":
        return {}
    if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        return {}
    found = await read_json(request, finite=True)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError(
            f"The request body is a JSON {type(found).__name__}; it must be an object.", pointer="/"
        )
    return cast("dict[str, Json]", found)
