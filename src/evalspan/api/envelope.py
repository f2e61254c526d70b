"""Requests and responses of the Experiments API: `{"data": {"id", "type", "attributes"}}`."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.errors import TooLargeError, UsageError
from evalspan.ingest import inflate
from evalspan.model import deeper_than

Attributes = TypeVar("Attributes", bound=BaseModel)
Model = TypeVar("Model", bound=BaseModel)


MAX_DEPTH = 200


class Body(BaseModel):
    """Attributes of a request. Unknown ones are ignored: clients of newer versions send more."""

    model_config = ConfigDict(extra="ignore")


class Given(BaseModel, Generic[Attributes]):
    id: str | None = None
    type: str | None = None
    attributes: Attributes


class Envelope(BaseModel, Generic[Attributes]):
    """What a request body is."""

    data: Given[Attributes]


class Resource(BaseModel, Generic[Attributes]):
    id: str
    type: str
    attributes: Attributes


class Meta(BaseModel):
    after: str


class One(BaseModel, Generic[Attributes]):
    """What a response about one thing is."""

    data: Resource[Attributes]


class Many(BaseModel, Generic[Attributes]):
    """What a response with a list is; `meta.after` is the cursor of the next page, '' at the end."""

    data: list[Resource[Attributes]]
    meta: Meta


async def read_attributes(request: Request, model: type[Attributes]) -> Attributes:
    """The attributes of the request body.

    Raises:
        UsageError: not JSON. ValidationError: not this model, with the path from `/data` on.
    """
    return Envelope[model].model_validate(await read_json(request)).data.attributes


async def read_json(request: Request, *, finite: bool = False) -> Any:
    """The request body as JSON; `finite` refuses NaN and what no double can hold, which would become null.

    Raises:
        UsageError: it is not JSON. TooLargeError.
    """
    body = await read_body(request)
    try:
        # json.loads would take bytes that are half a surrogate pair; as an escape it takes one anyway.
        text = body.decode(json.detect_encoding(body))
        document = json.loads(text, **_FINITE) if finite else json.loads(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The request body is not JSON: {error}.", pointer="/") from None
    if deeper_than(document, MAX_DEPTH):  # pydantic writes out nothing beyond some 255
        raise UsageError(f"The request body is nested deeper than {MAX_DEPTH} levels.", pointer="/")
    return document


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON's, or too large")
    return number


_FINITE: Final[dict[str, Any]] = {"parse_constant": _finite, "parse_float": _finite}


async def read_body(request: Request) -> bytes:
    """The request body, decompressed.

    Raises:
        UsageError: it is not in its content coding. TooLargeError.
    """
    limit: int = request.app.state.settings.max_body_bytes
    body = b"".join([chunk async for chunk in chunks(request)])
    coding = request.headers.get("content-encoding", "").strip().lower()
    return await run_in_threadpool(inflate, body, coding, limit) if coding else body


async def chunks(request: Request) -> AsyncGenerator[bytes]:
    """The request body as it arrives.

    Raises:
        TooLargeError: it is over the limit.
    """
    limit: int = request.app.state.settings.max_body_bytes
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLargeError(f"The request body is over {limit} bytes (EVALSPAN_MAX_BODY_BYTES).")
        yield chunk


def resource(kind: str, identity: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": identity, "type": kind, "attributes": dict(attributes)}


def one(item: dict[str, Any]) -> Response:
    """Status 200 on creation too: ddtrace takes 201 for a failure."""
    return JSONResponse({"data": item})


def many(items: Iterable[dict[str, Any]], after: str = "") -> Response:
    return JSONResponse({"data": list(items), "meta": {"after": after}})


def nothing() -> Response:
    """An empty body on success."""
    return Response(status_code=200)


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


def boolean(request: Request, name: str, default: bool) -> bool:
    """A boolean query parameter, in any case: Python's clients write True.

    Raises:
        UsageError: it is something else.
    """
    text = request.query_params.get(name, "")
    known = {"": default, "true": True, "false": False, "1": True, "0": False}
    try:
        return known[text.lower()]
    except KeyError:
        raise UsageError(f"{name}={text!r} is not true or false.") from None


def limit(request: Request, default: int) -> int:
    given = integer(request, "page[limit]", default)
    return default if given is None else given


Handler = Callable[[Request], Response]


def blocking(handler: Handler) -> Callable[[Request], Any]:
    """Run a handler that talks to the store in a worker thread."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(handler, request)

    return endpoint
