"""Bodies as Opik's clients send and read them: gzipped JSON, pages, and one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.api.envelope import MAX_DEPTH, chunks, integer
from evalspan.errors import UsageError
from evalspan.ingest.body import CODINGS, IDENTITY, inflate
from evalspan.model import Json, deeper_than, dump

LARGEST_PAGE: Final = 10_000
_NOT_JSON: Final = "The request body is not JSON"


class Body(BaseModel):
    """A request body. Unknown fields are ignored: newer clients send more."""

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=False)


Model = TypeVar("Model", bound=BaseModel)


async def read(request: Request, model: type[Model]) -> Model:
    """The body as `model`.

    Raises:
        UsageError: it is no JSON. ValidationError: it is not this model. TooLargeError.
    """
    return model.model_validate(await read_json(request))


async def read_json(request: Request) -> Json:
    """The body as JSON, decompressed.

    Raises:
        UsageError: it is no JSON, or compressed in a way that is not known. TooLargeError.
    """
    body = b"".join([chunk async for chunk in chunks(request)])
    coding = request.headers.get("content-encoding", "").lower() or IDENTITY
    if coding not in CODINGS:
        raise UsageError(f"Content-Encoding {coding!r} is not one of {', '.join(CODINGS)}.")
    text = inflate(body, coding, request.app.state.settings.max_body_bytes)
    try:
        # Through text once more: half a surrogate pair cannot be stored.
        document = json.loads(text)
        document = json.loads(dump(document)) if b"\\u" in text else document
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{_NOT_JSON}: {error}.") from None
    if deeper_than(document, MAX_DEPTH):
        raise UsageError(f"The request body is nested deeper than {MAX_DEPTH} levels.")
    return document


def answer(document: Json, status: int = 200) -> Response:
    return JSONResponse(document, status)


def nothing(status: int = 204, *, location: str = "") -> Response:
    """An answer without a body: the clients look at the status only. `location`: of what was made."""
    return Response(status_code=status, headers={"location": location} if location else None)


def lines(documents: Iterable[Json]) -> Response:
    """One JSON object a line; an array would be read as a single broken line."""
    text = "".join(json.dumps(document, ensure_ascii=True) + "\n" for document in documents)
    return Response(text, media_type="application/octet-stream")


def place(request: Request, size: int = 10) -> tuple[int, int]:
    """(page, size) of a paged list; pages count from 1.

    Raises:
        UsageError: they are no such numbers.
    """
    number, wanted = integer(request, "page", 1), integer(request, "size", size)
    if number is None or wanted is None or number < 1 or not 1 <= wanted <= LARGEST_PAGE:
        raise UsageError(f"page={number} must be from 1 and size={wanted} from 1 to {LARGEST_PAGE}.")
    return number, wanted


def page(content: Sequence[Json], number: int, total: int, **more: Any) -> Response:
    """One page of a list of `total`; clients ask on until one is empty."""
    return answer({"page": number, "size": len(content), "total": total, "content": content, **more})
