"""Whatever happens to a call, its caller sees what it would see without the capture."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import sys
import textwrap
import threading
import tracemalloc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from capture.conftest import ASKED, Recorded
from capture.provider import EVENT_STREAM, JSON_TYPE, Provider, Reply, event
from evalspan import attributes as a
from evalspan.capture import troubles
from evalspan.capture.body import MAX_BODY
from evalspan.capture.formats import GROUP, formats

BODY: dict[str, Any] = {"model": "gpt-4o", "messages": ASKED, "stream": True}
MIB = 1024 * 1024
BROKEN_FORMAT = """
    import os, re
    from evalspan.capture.formats import Half

    def hook(name, value):
        if os.environ.get("TELEGRAPH_RAISES") == name:
            raise RuntimeError(f"{name} is broken")
        return value

    class Telegraph:
        path = property(lambda self: hook("path", re.compile("/telegraph$")))
        operation = property(lambda self: hook("operation", "chat"))
        provider = property(lambda self: hook("provider", "telegraph"))

        def request(self, body, path):
            return hook("request", Half())

        def response(self, body):
            return hook("response", Half())

        def assemble(self, events):
            return hook("assemble", list(events))

    FORMATS = (Telegraph(),)
"""


def news(before: dict[str, int]) -> dict[str, int]:
    """The troubles since."""
    return {
        reason: count - before.get(reason, 0)
        for reason, count in troubles().items()
        if count != before.get(reason, 0)
    }


def add_format(
    folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, text: str
) -> None:
    """Install a package with a format, as the documentation says to."""
    (folder / "raising_format.py").write_text(textwrap.dedent(text), encoding="utf-8")
    metadata = folder / "raising-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: raising\nVersion: 1.0\n", encoding="utf-8")
    line = f"[{GROUP}]\ntelegraph = raising_format:FORMATS\n"
    (metadata / "entry_points.txt").write_text(line, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "raising_format", raising=False)
    formats.cache_clear()
    request.addfinalizer(formats.cache_clear)


@contextmanager
def memory() -> Generator[Callable[[], int]]:
    """How many bytes more than at its begin Python ever held at once."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_stream_of_two_gibibytes_takes_no_memory_to_match(recorded: Recorded, provider: Provider) -> None:
    piece = event({"content": "x" * (4 * MIB)})
    provider.reply = Reply(headers=EVENT_STREAM, chunks=(piece for _ in range(512)))
    before, read = troubles(), 0
    with (
        memory() as grown,
        httpx.stream("POST", f"{provider.base_url}/chat/completions", json=BODY, timeout=60) as response,
    ):
        for chunk in response.iter_raw():
            read += len(chunk)
        assert grown() < 4 * MAX_BODY
    assert read == 512 * len(piece) > 2**31
    assert "gen_ai.usage.output_tokens" not in recorded.attributes()
    assert news(before) == {"answer too long to read": 1}


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_a_little_gzip_that_holds_much_is_not_unpacked(
    encoding: str, recorded: Recorded, provider: Provider
) -> None:
    bomb = gzip.compress(bytes(256 * MIB), 1)
    if "," in encoding:
        bomb = gzip.compress(bomb)
    provider.reply = Reply(headers={**JSON_TYPE, "Content-Encoding": encoding}, chunks=[bomb])
    before = troubles()
    with (
        memory() as grown,
        httpx.stream("POST", f"{provider.base_url}/chat/completions", json=BODY) as response,
    ):
        assert b"".join(response.iter_raw()) == bomb
        assert grown() < 4 * MAX_BODY
    assert len(recorded.calls) == 1
    assert news(before) == {"unreadable answer": 1}


def test_a_format_that_raises_at_every_hook_costs_the_caller_nothing(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    add_format(tmp_path, monkeypatch, request, BROKEN_FORMAT)
    ask = partial(httpx.post, f"http://127.0.0.1:{provider.port}/telegraph", json={})
    provider.reply = Reply(chunks=[b"stop"])
    bare = ask().content
    recorded: Recorded = request.getfixturevalue("recorded")
    for hook in ("request", "response", "operation", "provider"):
        before = troubles()
        monkeypatch.setenv("TELEGRAPH_RAISES", hook)
        assert ask().content == bare
        assert sum(news(before).values()) == 1
    provider.reply = Reply(headers=EVENT_STREAM, chunks=[b"data: 1\n\n"])
    monkeypatch.setenv("TELEGRAPH_RAISES", "assemble")
    assert ask().content == b"data: 1\n\n"
    assert all(span.end_time for span in recorded.calls)


def test_a_format_whose_path_raises_does_not_hide_the_calls_of_others(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    add_format(tmp_path, monkeypatch, request, BROKEN_FORMAT)
    recorded: Recorded = request.getfixturevalue("recorded")
    monkeypatch.setenv("TELEGRAPH_RAISES", "path")
    before = troubles()
    response = httpx.post(f"{provider.base_url}/chat/completions", json={**BODY, "stream": False})
    assert response.json()["id"] == recorded.attributes()[a.RESPONSE_ID]
    assert sum(news(before).values()) == 1


def closed_in_mid_stream(provider: Provider) -> list[Any]:
    client = httpx.Client()
    found: list[Any] = []
    asked = client.stream("POST", f"{provider.base_url}/chat/completions", json=BODY)
    try:
        with asked as response:
            pieces = response.iter_raw()
            found.append(next(pieces))
            client.close()
            found += pieces
    except httpx.HTTPError as error:
        found.append((type(error), str(error)))
    return found


def too_slow(provider: Provider) -> list[Any]:
    found: list[Any] = []
    try:
        with httpx.stream(
            "POST", f"{provider.base_url}/chat/completions", json=BODY, timeout=0.2
        ) as response:
            for piece in response.iter_raw():
                found.append(piece)
    except httpx.HTTPError as error:
        found.append((type(error), str(error)))
    return found


def refused(provider: Provider) -> list[Any]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        try:
            httpx.post(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/chat/completions", json=BODY)
        except httpx.HTTPError as error:
            return [(type(error), str(error))]
    return []


@pytest.mark.parametrize("act", [closed_in_mid_stream, too_slow, refused])
def test_what_breaks_off_breaks_off_as_it_would_without_the_capture(
    act: Callable[[Provider], list[Any]], provider: Provider, request: pytest.FixtureRequest
) -> None:
    def outcome() -> list[Any]:
        more = threading.Event()
        provider.reply = Reply(headers=EVENT_STREAM, chunks=(event({"content": "Li"}), more))
        found = act(provider)
        more.set()
        return found

    bare = outcome()
    recorded: Recorded = request.getfixturevalue("recorded")
    assert outcome() == bare
    gc.collect()
    (call,) = recorded.calls
    assert dict(call.attributes or {})[a.ERROR_TYPE] == bare[-1][0].__qualname__


def test_a_span_processor_that_raises_does_not_reach_the_caller(
    recorded: Recorded, provider: Provider
) -> None:
    class Broken(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            if a.OPERATION_NAME in (span.attributes or {}):
                raise ValueError("broken")

    recorded.provider.add_span_processor(Broken())
    before = troubles()
    assert httpx.post(f"{provider.base_url}/chat/completions", json=BODY).status_code == 200
    assert news(before) == {"span not ended": 1}


async def test_a_cancelled_task_stays_cancelled_and_its_call_ends(
    recorded: Recorded, provider: Provider
) -> None:
    never = threading.Event()
    provider.reply = Reply(headers=EVENT_STREAM, chunks=(event({"content": "Li"}), never))
    started = asyncio.Event()

    async def reading() -> None:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", f"{provider.base_url}/chat/completions", json=BODY) as response,
        ):
            async for _ in response.aiter_raw():
                started.set()

    task = asyncio.create_task(reading())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    never.set()
    assert recorded.attributes()[a.ERROR_TYPE] == "CancelledError"


@pytest.mark.parametrize("answer", [b"<html>502</html>", b"", b"null", b'{"choices": 7}', b"\xff\xfe"])
def test_an_answer_that_is_no_completion_is_passed_on(
    answer: bytes, recorded: Recorded, provider: Provider
) -> None:
    provider.reply = Reply(headers=JSON_TYPE, chunks=[answer])
    response = httpx.post(f"{provider.base_url}/chat/completions", json={**BODY, "stream": False})
    assert (response.status_code, response.content) == (200, answer)
    assert len(recorded.calls) == 1


def test_a_request_body_that_is_a_generator_is_sent_whole(recorded: Recorded, provider: Provider) -> None:
    def body() -> Iterator[bytes]:
        yield b'{"model": "gpt-4o", '
        yield b'"messages": []}'

    response = httpx.post(
        f"{provider.base_url}/chat/completions", content=body(), headers={"Content-Length": "35"}
    )
    assert response.json()["model"] == "gpt-4o-2024-08-06"
    assert provider.bodies == [b'{"model": "gpt-4o", "messages": []}']
    assert recorded.attributes()[a.RESPONSE_ID] == "chatcmpl-7"


def test_a_transport_of_the_apps_own_is_used_as_it_is(recorded: Recorded) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"path": request.url.path})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert client.post("http://model.invalid/v1/chat/completions", json=BODY).json() == {
            "path": "/v1/chat/completions"
        }
    assert recorded.calls == []


def test_calls_of_many_threads_are_one_span_each(recorded: Recorded, provider: Provider) -> None:
    answers: list[int] = []

    def ask() -> None:
        reply = httpx.post(f"{provider.base_url}/chat/completions", json={**BODY, "stream": False})
        answers.append(reply.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert [span.status.status_code for span in recorded.calls] == [StatusCode.UNSET] * 8
