"""The calls that aiohttp carries, seen at its `ClientSession` and at the reader of the answer.

litellm and google-genai leave httpx for aiohttp in their async calls. No HTTP span is made here;
`traceparent` is sent. A read that is cancelled does not end a call: aiohttp can be read on after it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from importlib import import_module
from typing import Any, cast

import httpx
from opentelemetry import propagate

from evalspan.capture.call import Answered, Call
from evalspan.capture.formats import find
from evalspan.capture.outgoing import asking_for_usage, discretion
from evalspan.capture.trouble import note
from evalspan.capture.watcher import Watcher

MODULE = "aiohttp.client"  # defines the class
METHOD = "_request"  # what all its methods for requests come down to

Send = Callable[..., Awaitable[Any]]


def wrapper(original: Send, watching: Callable[[], tuple[Watcher | None, bool]]) -> Send:
    """`ClientSession._request` that records; `watching` says by whom, and whether usage is asked for."""

    @wraps(original)
    async def request(self: Any, method: str, str_or_url: Any, **given: Any) -> Any:
        watcher, stream_usage = watching()
        asked = _described(self, method, str_or_url, given) if watcher is not None else None
        call = watcher.begin(asked) if watcher is not None and asked is not None else None
        if asked is None or call is None:
            return await original(self, method, str_or_url, **given)
        try:
            with discretion(asked), call.current():
                sent = _prepared(asked, given, stream_usage)
                response = await original(self, method, str_or_url, **sent)
        except BaseException as error:
            status = getattr(error, "status", None)
            if isinstance(status, int):  # the session raises for a status
                call.answered(Answered(status))
            call.fail(error)
            raise
        _watch(response, call, decoded=_decodes(self, given))
        return response

    return request


def _described(session: Any, method: str, str_or_url: Any, given: dict[str, Any]) -> httpx.Request | None:
    """The request as httpx would have it, for those who read it; None where it is no LLM call."""
    try:
        url = session._build_url(str_or_url)
        if find(method.upper(), url.path) is None:
            return None
        body, data = given.get("json"), given.get("data")
        content = json.dumps(body) if body is not None else data
        if not isinstance(content, bytes | str):
            content = _unread()
        headers = list(_headers(given).items())
        return httpx.Request(method, str(url), headers=headers, content=content)
    except Exception as trouble:
        note("LLM call not recorded", repr(trouble))
        return None


async def _unread() -> AsyncIterator[bytes]:
    """Stands for a body that is a stream, a form or a file: it is the app's to read."""
    yield b""


def _prepared(asked: httpx.Request, given: dict[str, Any], stream_usage: bool) -> dict[str, Any]:
    """The arguments with a `traceparent`, and asking for token counts if wanted."""
    try:
        headers = _headers(given)
        propagate.inject(headers)
        changed = asking_for_usage(asked, httpx) if stream_usage else asked
        if changed is asked:
            return {**given, "headers": headers}
        headers.setdefault("Content-Type", "application/json")
        if "Content-Length" in headers:
            headers["Content-Length"] = changed.headers["content-length"]
        return {**given, "headers": headers, "json": None, "data": changed.content}
    except Exception as trouble:
        note("traceparent not sent", repr(trouble))
        return given


def _headers(given: dict[str, Any]) -> Any:
    """A copy of the given headers, made as aiohttp makes it."""
    return cast(Any, import_module("multidict")).CIMultiDict(given.get("headers") or ())


def _watch(response: Any, call: Call, *, decoded: bool) -> None:
    try:
        headers = response.headers
        encoding = "" if decoded else headers.get("Content-Encoding", "")
        call.answered(Answered(response.status, headers.get("Content-Type", ""), encoding))
        response.content = _Reader(response.content, call)
    except Exception as trouble:
        note("answer over aiohttp not read", repr(trouble))
        call.finish()


def _decodes(session: Any, given: dict[str, Any]) -> bool:
    """Whether aiohttp takes the content encoding away before anybody reads."""
    stated = given.get("auto_decompress")
    return bool(getattr(session, "auto_decompress", True) if stated is None else stated)


class _Reader:
    """Somebody reading along with the `StreamReader` of an answer, for which it passes."""

    def __init__(self, reader: Any, call: Call) -> None:
        self._reader = reader
        self._class = cast(Any, type(reader))
        self._call = call
        self._interruption: BaseException | None = None

    @property
    def __class__(self) -> type[Any]:  # pyright: ignore[reportIncompatibleMethodOverride] -- isinstance() asks it
        return self._class

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def read(self, n: int = -1) -> bytes:
        return await self._along(self._reader.read(n))

    async def readany(self) -> bytes:
        return await self._along(self._reader.readany())

    async def readexactly(self, n: int) -> bytes:
        return await self._along(self._reader.readexactly(n))

    async def readline(self, **given: Any) -> bytes:
        return await self._along(self._reader.readline(**given))

    async def readuntil(self, *given: Any, **named: Any) -> bytes:
        return await self._along(self._reader.readuntil(*given, **named))

    async def readchunk(self) -> tuple[bytes, bool]:
        return await self._along(self._reader.readchunk())

    def read_nowait(self, n: int = -1) -> bytes:
        return self._passed(self._reader.read_nowait(n))

    # The iterators of the class, over the methods above.
    def __aiter__(self) -> Any:
        return self._class.__aiter__(self)

    def iter_chunked(self, n: int) -> Any:
        return self._class.iter_chunked(self, n)

    def iter_any(self) -> Any:
        return self._class.iter_any(self)

    def iter_chunks(self) -> Any:
        return self._class.iter_chunks(self)

    def set_exception(self, *given: Any) -> None:
        """Called when the answer is closed or released."""
        self._reader.set_exception(*given)
        self._over()

    def __del__(self) -> None:
        self._over()

    async def _along(self, reading: Awaitable[Any]) -> Any:
        try:
            found = await reading
        except BaseException as error:
            self._interruption = error
            if self._reader.exception() is not None:
                self._over()
            raise
        return self._passed(found)

    def _passed(self, found: Any) -> Any:
        self._interruption = None
        chunk: Any = found if isinstance(found, bytes) else found[0]
        if chunk:
            self._call.feed(chunk)
        if self._reader.at_eof():
            self._over()
        return found

    def _over(self) -> None:
        if self._interruption is None:
            self._call.finish()
        else:
            self._call.fail(self._interruption)
