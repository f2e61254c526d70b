"""Decides which requests are LLM calls, and starts their spans."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, cast

import httpx
from opentelemetry import trace
from opentelemetry._logs import LoggerProvider, get_logger
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import SpanKind, TracerProvider, get_tracer
from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture import content, hosts
from evalspan.capture.call import Call
from evalspan.capture.formats import Format, Half, find, formats
from evalspan.capture.trouble import note

_SCOPE = "evalspan.capture"
_PORTS = {"https": 443, "http": 80}
_OPENINFERENCE_KIND = "openinference.span.kind"


class Watcher:
    """Starts a span for every request that a format knows."""

    def __init__(
        self, tracer_provider: TracerProvider | None, logger_provider: LoggerProvider | None
    ) -> None:
        formats()  # found now and not at the first call, which would wait for it
        release = version("evalspan")
        self._tracer = get_tracer(_SCOPE, release, tracer_provider)
        self._logger = get_logger(_SCOPE, release, logger_provider)

    def begin(self, request: httpx.Request) -> Call | None:
        """The call that this request is; None where it is none, or where nobody listens."""
        try:
            wire = find(request.method, request.url.path)
            if wire is None or not is_instrumentation_enabled() or _recorded_already():
                return None
            asked = _asked(request, wire)
            return self._start(request, wire, asked) if asked is not None else None
        except Exception as trouble:
            note("LLM call not recorded", repr(trouble))
            return None

    def _start(self, request: httpx.Request, wire: Format, asked: Half) -> Call | None:
        model = asked.attributes.get(a.REQUEST_MODEL)
        span = self._tracer.start_span(
            f"{wire.operation} {model}" if model else wire.operation,
            kind=SpanKind.CLIENT,
            attributes={**_target(request, wire), **asked.attributes},
        )
        return Call(span, wire, content.wanted(), asked, self._logger) if span.is_recording() else None


def _asked(request: httpx.Request, wire: Format) -> Half | None:
    """What was asked; None where the body shows that it is no call of this format after all."""
    path = request.url.path
    try:
        # `.content` raises where the body is a stream: reading it here would take it from the wire.
        return wire.request(json.loads(request.content), path)
    except Exception as trouble:
        asked = wire.request(None, path)
        if asked is not None:
            note("unreadable request", repr(trouble))
        return asked


def _target(request: httpx.Request, wire: Format) -> dict[str, AttributeValue]:
    url = request.url
    return {
        a.OPERATION_NAME: wire.operation,
        a.PROVIDER_NAME: hosts.provider(url.host, otherwise=wire.provider),
        a.SERVER_ADDRESS: url.host,
        a.SERVER_PORT: url.port or _PORTS.get(url.scheme, 0),
    }


def _recorded_already() -> bool:
    """Whether an SDK-level instrumentation has an LLM span open for this very request."""
    known = cast(dict[str, Any], getattr(trace.get_current_span(), "attributes", None) or {})
    return known.get(a.OPERATION_NAME) in ("chat", "text_completion", "generate_content", "embeddings") or (
        known.get(_OPENINFERENCE_KIND) in ("LLM", "EMBEDDING")
    )
