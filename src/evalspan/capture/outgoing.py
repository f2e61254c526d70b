"""The two changes that the capture makes to a request: less baggage, and token counts if asked for.

Baggage would go to every host that the app calls. A known model provider has no use for it, so
none goes there; a host of the app's own gets it, because the app's traces continue there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

import httpx
from opentelemetry import baggage, context
from opentelemetry.trace import Span

from evalspan import attributes as a
from evalspan.capture import hosts
from evalspan.capture.shape import mapping
from evalspan.capture.trouble import note
from evalspan.secrets import masked_url

# Of chats and of OpenAI's older completions; Mistral's own paths would refuse the option.
_ASKABLE = re.compile(r"(?<!/fim)(?<!/agents)/completions$")
# The body is part of what these sign: a changed one would be refused.
_SIGNATURES = (
    "signature",
    "signature-input",
    "digest",
    "content-digest",
    "content-md5",
    "x-amz-content-sha256",
)


@contextmanager
def discretion(request: httpx.Request) -> Generator[None]:
    """While it lasts, no baggage is sent if the request goes to a known model provider."""
    token = None
    if baggage.get_all() and hosts.provider(request.url.host, otherwise=""):
        token = context.attach(baggage.clear())
    try:
        yield
    finally:
        if token is not None:
            context.detach(token)


def masks_urls() -> dict[str, Callable[..., Any]]:
    """Hooks for the HTTP instrumentation: a key in a URL's query is not recorded."""

    def hook(span: Span, request: Any) -> None:
        url = str(request.url)
        shown = masked_url(url)
        if shown != url and span.is_recording():
            known = cast("dict[str, Any]", getattr(span, "attributes", None) or {})
            span.set_attributes({name: shown for name in (a.URL_FULL, a.HTTP_URL) if name in known})

    async def async_hook(span: Span, request: Any) -> None:
        hook(span, request)

    return {"request_hook": hook, "async_request_hook": async_hook}


def asking_for_usage(request: httpx.Request, library: ModuleType) -> httpx.Request:
    """A streamed chat request that also asks for its token counts; any other request as it is."""
    try:
        return _asking(request, library) or request
    except Exception as trouble:
        note("token counts not asked for", type(trouble).__qualname__)
        return request


def _asking(request: httpx.Request, library: ModuleType) -> httpx.Request | None:
    path = request.url.path.rstrip("/")
    if request.method != "POST" or not _ASKABLE.search(path) or _is_signed(request):
        return None
    # No body to read is a stream of the app's: it stays as it is.
    content = cast("bytes | None", getattr(request, "_content", None))
    asked = mapping(json.loads(content)) if content else {}
    options = mapping(asked.get("stream_options"))
    if asked.get("stream") is not True or "include_usage" in options:
        return None
    if not path.endswith("/chat/completions") and "prompt" not in asked:  # anybody may have such a path
        return None
    body = json.dumps({**asked, "stream_options": {**options, "include_usage": True}}, ensure_ascii=False)
    data = body.encode()
    # A new request: the caller's own keeps what the caller put into it, retries included.
    changed = cast(Any, library).Request(
        request.method, request.url, headers=request.headers, content=data, extensions=request.extensions
    )
    changed.headers["content-length"] = str(len(data))
    return changed


def _is_signed(request: httpx.Request) -> bool:
    headers = request.headers
    return (
        any(name in headers for name in _SIGNATURES)
        or headers.get("authorization", "").startswith("AWS4")
        or "content-encoding" in headers
    )
