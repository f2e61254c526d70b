"""Where the capture takes hold: `handle_request` of the transports of httpx and httpx2, and aiohttp.

The HTTP span and `traceparent` are opentelemetry-instrumentation-httpx's; it is installed first,
so that our wrapper lies around its, and the LLM span is the parent of the HTTP span. Wrapping the
classes covers clients that exist already. openai 3 uses httpx2, not httpx.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

import httpx
import wrapt
from opentelemetry._logs import LoggerProvider
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.trace import TracerProvider

from evalspan.capture import aiohttp_sessions
from evalspan.capture.call import Answered, Call
from evalspan.capture.outgoing import asking_for_usage, discretion, masks_urls
from evalspan.capture.stream import tees
from evalspan.capture.trouble import note
from evalspan.capture.watcher import Watcher

_INSTRUMENTORS = {"httpx": HTTPXClientInstrumentor, "httpx2": HTTPX2ClientInstrumentor}
_MARK = "_evalspan_capture"

_lock = threading.RLock()
_watcher: Watcher | None = None
_providers: tuple[TracerProvider | None, LoggerProvider | None] = (None, None)
_stream_usage = False
_waits_for_aiohttp = False
_undo: list[Callable[[], None]] = []


def install(
    tracer_provider: TracerProvider | None = None,
    *,
    logger_provider: LoggerProvider | None = None,
    stream_usage: bool = False,
) -> None:
    """Record the LLM calls of this process. Again with the same providers, it does nothing.

    Args:
        tracer_provider: where the spans go; the global one by default.
        logger_provider: where content goes that is wanted on events; the global one by default.
        stream_usage: ask streamed chat requests for their token counts. It changes what is sent, and
            the stream gets one more chunk, without choices.
    """
    global _watcher, _providers, _stream_usage
    with _lock:
        _stream_usage = stream_usage
        if _watcher is not None and _providers == (tracer_provider, logger_provider):
            return
        uninstall()
        _providers = (tracer_provider, logger_provider)
        for name in filter(find_spec, _INSTRUMENTORS):
            _take_hold(name, tracer_provider)
        _watcher = Watcher(tracer_provider, logger_provider)
        _take_hold_of_aiohttp()


def uninstall() -> None:
    """Record nothing more, and leave the transports as they were."""
    global _watcher
    with _lock:
        _watcher = None
        while _undo:
            _undo.pop()()


def _take_hold(name: str, tracer_provider: TracerProvider | None) -> None:
    instrumentor = cast(Any, _INSTRUMENTORS[name]())
    if not instrumentor.is_instrumented_by_opentelemetry:  # else the app did it, and it stays the app's
        instrumentor.instrument(tracer_provider=tracer_provider, **masks_urls())
        _undo.append(instrumentor.uninstrument)
    module = import_module(name)
    _wrap(cast(Any, module).HTTPTransport, "handle_request", lambda send: _sync_wrapper(send, module))
    _wrap(
        cast(Any, module).AsyncHTTPTransport,
        "handle_async_request",
        lambda send: _async_wrapper(send, module),
    )


def _take_hold_of_aiohttp() -> None:
    """Now where it is loaded; else once the app loads it, which takes a quarter of a second."""
    global _waits_for_aiohttp
    loaded = sys.modules.get(aiohttp_sessions.MODULE)
    if loaded is not None:
        _aiohttp_loaded(loaded)
    elif not _waits_for_aiohttp and find_spec("aiohttp"):
        _waits_for_aiohttp = True
        wrapt.register_post_import_hook(_aiohttp_loaded, aiohttp_sessions.MODULE)


def _aiohttp_loaded(module: ModuleType) -> None:
    try:
        with _lock:
            if _watcher is not None:
                owner = cast(Any, module).ClientSession
                _wrap(owner, aiohttp_sessions.METHOD, lambda send: aiohttp_sessions.wrapper(send, _watching))
    except Exception as trouble:  # it would fail the app's import
        note("calls over aiohttp are not recorded", repr(trouble))


def _watching() -> tuple[Watcher | None, bool]:
    return _watcher, _stream_usage


def _wrap(owner: type, name: str, wrapper: Callable[[Any], Any]) -> None:
    original = owner.__dict__[name]
    if getattr(original, _MARK, False):  # an earlier wrapper of ours lies below somebody else's
        return
    ours = wrapper(original)
    setattr(ours, _MARK, True)
    setattr(owner, name, ours)

    def restore() -> None:
        if owner.__dict__[name] is ours:  # else it stays, and passes everything through
            setattr(owner, name, original)

    _undo.append(restore)


def _sync_wrapper(original: Any, module: ModuleType) -> Callable[[Any, httpx.Request], httpx.Response]:
    tee = tees(module)[0]

    @wraps(original)
    def handle_request(self: Any, request: httpx.Request) -> httpx.Response:
        send = original.__get__(self, type(self))
        watcher = _watcher
        if watcher is None:
            return send(request)
        call = watcher.begin(request)
        if _stream_usage:
            request = asking_for_usage(request, module)
        if call is None:
            with discretion(request):
                return send(request)
        try:
            with discretion(request), call.current():
                response: httpx.Response = send(request)
        except BaseException as error:
            call.fail(error)
            raise
        return _watched(response, tee, call)

    return handle_request


def _async_wrapper(
    original: Any, module: ModuleType
) -> Callable[[Any, httpx.Request], Awaitable[httpx.Response]]:
    tee = tees(module)[1]

    @wraps(original)
    async def handle_async_request(self: Any, request: httpx.Request) -> httpx.Response:
        send = original.__get__(self, type(self))
        watcher = _watcher
        if watcher is None:
            return await send(request)
        call = watcher.begin(request)
        if _stream_usage:
            request = asking_for_usage(request, module)
        if call is None:
            with discretion(request):
                return await send(request)
        try:
            with discretion(request), call.current():
                response: httpx.Response = await send(request)
        except BaseException as error:
            call.fail(error)
            raise
        return _watched(response, tee, call)

    return handle_async_request


def _watched(response: httpx.Response, tee: Callable[[Any, Call], Any], call: Call) -> httpx.Response:
    headers = response.headers
    kind, encoding = headers.get("content-type", ""), headers.get("content-encoding", "")
    call.answered(Answered(response.status_code, kind, encoding))
    response.stream = tee(response.stream, call)
    return response
