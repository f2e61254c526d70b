"""Calls over aiohttp, bare and captured: run as a script where aiohttp is installed.

Prints, as JSON, for each way of reading what the caller got, bare and captured, and what was recorded.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import importlib
import inspect
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, cast

from capture.provider import COMPLETION, EVENT_STREAM, JSON_TYPE, Provider, Reply, event
from capture.recorded import Recorded
from evalspan import attributes as a
from evalspan import capture

aiohttp = cast(Any, importlib.import_module("aiohttp"))
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
STREAM = (event({"content": "Li"}), event({"content": "ma"}, "stop", usage=USAGE), b"data: [DONE]\n\n")
PACKED = Reply(
    headers={**JSON_TYPE, "Content-Encoding": "gzip"}, chunks=[gzip.compress(json.dumps(COMPLETION).encode())]
)
REFUSED = Reply(status=429, chunks=[b'{"error": {"code": "busy"}}'])

Read = Callable[[Any, threading.Event], Awaitable[Any]]


async def at_once(answer: Any, more: threading.Event) -> Any:
    more.set()
    return await answer.text()


async def unread(answer: Any, more: threading.Event) -> Any:
    return answer.status


async def in_every_way(answer: Any, more: threading.Event) -> Any:
    more.set()
    content = answer.content
    found = [await content.readline(), await content.readexactly(1), await content.readuntil(b"\n")]
    found.append((await content.readchunk())[0])
    found += [piece async for piece in content.iter_chunked(5)]
    found += [piece async for piece in content.iter_any()]
    found += [piece async for piece, _ in content.iter_chunks()]
    return b"".join(found).decode(), isinstance(content, aiohttp.StreamReader), content.at_eof()


async def left_early(answer: Any, more: threading.Event) -> Any:
    return (await answer.content.readany()).decode()


async def read_on_after_a_timeout(answer: Any, more: threading.Event) -> Any:
    found = [await answer.content.readany()]
    try:
        found.append(await asyncio.wait_for(answer.content.readany(), 0.05))
    except TimeoutError:
        found.append(b"slow")
    more.set()
    return [piece.decode() for piece in (*found, await answer.content.read())]


async def cancelled(answer: Any, more: threading.Event) -> Any:
    await answer.content.readany()
    task = asyncio.ensure_future(answer.read())
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


CASES: dict[str, tuple[Read, Reply | None, dict[str, Any]]] = {
    "at once": (at_once, None, {}),
    "unread": (unread, None, {}),
    "in every way": (in_every_way, None, {}),
    "left early": (left_early, None, {}),
    "read on after a timeout": (read_on_after_a_timeout, None, {}),
    "cancelled": (cancelled, None, {}),
    "gzip": (at_once, PACKED, {}),
    "gzip left to the caller": (at_once, PACKED, {"auto_decompress": False}),
    "refused": (at_once, REFUSED, {}),
    "refused and raised": (at_once, REFUSED, {"raise_for_status": True}),
}


async def outcome(provider: Provider, read: Read, reply: Reply | None, options: dict[str, Any]) -> str:
    """What the caller gets of one call."""
    more = threading.Event()
    provider.reply = reply or Reply(headers=EVENT_STREAM, chunks=(STREAM[0], more, *STREAM[1:]))
    try:
        async with aiohttp.ClientSession() as session:
            url = f"{provider.base_url}/chat/completions"
            async with session.post(url, json=BODY, headers={"X-Mine": "1"}, **options) as answer:
                return repr(await read(answer, more))
    except Exception as error:
        return repr(type(error)) + str(getattr(error, "status", error))
    finally:
        more.set()


def main() -> None:
    signature, found = str(inspect.signature(aiohttp.ClientSession._request)), {}
    with Provider() as provider:
        bare = {name: asyncio.run(outcome(provider, *case)) for name, case in CASES.items()}
        for name, case in CASES.items():
            recorded = Recorded()
            capture.install(recorded.provider, stream_usage=True)
            got = asyncio.run(outcome(provider, *case))
            gc.collect()
            spans = [dict(span.attributes or {}) for span in recorded.calls]
            told = [[span.get(a.ERROR_TYPE), span.get(a.USAGE_OUTPUT_TOKENS)] for span in spans]
            found[name] = {"bare": bare[name], "captured": got, "recorded": told}
        unchanged = str(inspect.signature(aiohttp.ClientSession._request)) == signature
        sent = json.loads(provider.bodies[-1])
        headers = provider.requests[-1]
    more = {
        "traceparent": "traceparent" in headers,
        "mine": headers.get("x-mine"),
        "asked": sent.get("stream_options"),
    }
    print(json.dumps({"cases": found, "signature": unchanged, **more}))


if __name__ == "__main__":
    main()
