"""Requests and responses of the Experiments API: `{"data": {"id", "type", "attributes"}}`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.errors import TooLargeError, UsageError

Attributes = TypeVar("Attributes", bound=BaseModel)


class Body(BaseModel):
    """Attributes of a request. Unknown ones are ignored: clients of newer versions send more."""

    model_config = ConfigDict(extra="ignore")


class _Data(BaseModel, Generic[Attributes]):
    id: str = ""
    type: str = ""
    attributes: Attributes


class _Envelope(BaseModel, Generic[Attributes]):
    data: _Data[Attributes]


async def read_attributes(request: Request, model: type[Attributes]) -> Attributes:
    """The attributes of the request body.

    Raises:
        UsageError: not JSON. ValidationError: not this model, with the path from `/data` on.
    """
    limit: int = request.app.state.settings.max_body_bytes
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLargeError(f"The request body is over {limit} bytes (EVALSPAN_MAX_BODY_BYTES).")
        chunks.append(chunk)
    try:
        document = json.loads(b"".join(chunks))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The request body is not JSON: {error}.", pointer="/") from None
    return _Envelope[model].model_validate(document).data.attributes


def resource(kind: str, identity: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": identity, "type": kind, "attributes": dict(attributes)}


def one(item: dict[str, Any]) -> Response:
    """Status 200 on creation too: ddtrace takes 201 for a failure (research: "exactly 200")."""
    return JSONResponse({"data": item})


def many(items: Iterable[dict[str, Any]], after: str = "") -> Response:
    return JSONResponse({"data": list(items), "meta": {"after": after}})


def integer(request: Request, name: str, default: int | None = None) -> int | None:
    """An integer query parameter.

    Raises:
        UsageError: it is something else.
    """
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name}={text!r} is not an integer.") from None


def limit(request: Request, default: int) -> int:
    given = integer(request, "page[limit]", default)
    return default if given is None else given


Handler = Callable[[Request], Response]


def blocking(handler: Handler) -> Callable[[Request], Any]:
    """Run a handler that talks to the store in a worker thread."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(handler, request)

    return endpoint
