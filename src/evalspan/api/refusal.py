"""The answer to a request that is turned away before its face sees it, in the shape of that face."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from evalspan.api.errors import error_response
from evalspan.api.gentrace.access import TRACES
from evalspan.errors import EvalspanError, RateError, StoreUnavailable
from evalspan.ingest import CODINGS, otlp_error


def refusal(error: EvalspanError, scope: Scope) -> Response:
    """What the sender is told."""
    path = scope["path"]
    if path.startswith(TRACES) and error.status == 429:
        # Gentrace's exporter drops what is answered 429, and repeats on 503.
        error = StoreUnavailable(str(error))
    if path.startswith("/v1/") or path.endswith("/otel/v1/traces"):  # vendors put OTLP below their own path
        response = otlp_error(error, Headers(scope=scope).get("content-type", ""))
    else:
        response = error_response(error.status, (str(error), ""), path=path)
    if error.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    elif error.status == 415:
        response.headers["accept-encoding"] = ", ".join(CODINGS)
    elif isinstance(error, RateError):
        response.headers["retry-after"] = str(error.retry_after)
    return response
