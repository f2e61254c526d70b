"""One error shape for every face of ours over HTTP: JSON:API's. A vendor's face has its own (shapes.py).

    {"errors": [{"status": "404", "title": "Not Found", "detail": "There is no dataset 'x'.",
                 "source": {"pointer": "/data/attributes/dataset_id"}}]}

The OTLP paths answer with `google.rpc.Status`, as their specification asks.
"""

from __future__ import annotations

import logging
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.api import shapes
from evalspan.errors import EvalspanError, StoreUnavailable, UsageError

_log = logging.getLogger(__name__)
RETRY_AFTER = "1"


def error_response(status: int, *details: tuple[str, str], path: str = "") -> JSONResponse:
    """A response of (detail, JSON pointer) pairs; the pointer may be ''. In the shape of the path's face."""
    headers = {"retry-after": RETRY_AFTER} if status in {429, 503} else {}
    content = shapes.body(path, status, details)
    return JSONResponse(content, status, headers, media_type="application/json")


async def on_evalspan_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EvalspanError)
    if error.status >= 500 and not isinstance(error, StoreUnavailable):
        _log.error("Request failed", exc_info=error)
    pointer = error.pointer if isinstance(error, UsageError) else ""
    return error_response(error.status, (str(error), pointer), path=request.url.path)


async def on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    details = [
        (f"{item['msg']} (got {_short(item['input'])}).", "/" + "/".join(str(part) for part in item["loc"]))
        for item in error.errors(include_url=False)
    ]
    return error_response(400, *details, path=request.url.path)


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = error_response(error.status_code, (error.detail, ""), path=request.url.path)
    response.headers.update(error.headers or {})
    return response


async def on_unexpected(request: Request, error: Exception) -> Response:
    _log.error("Unexpected failure", exc_info=error)
    return error_response(
        500, ("The service failed on this request; its log says why.", ""), path=request.url.path
    )


HANDLERS: dict[Any, Any] = {
    EvalspanError: on_evalspan_error,
    ValidationError: on_validation_error,
    HTTPException: on_http_exception,
    Exception: on_unexpected,
}


def _short(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
