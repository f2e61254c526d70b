"""Whatever happens to a call, its caller sees what it would see without the capture."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.trace import StatusCode

from capture.conftest import ASKED, Recorded
from capture.provider import EVENT_STREAM, JSON_TYPE, Provider, Reply, event
from evalspan import attributes as a
from evalspan.capture import troubles
from evalspan.capture.body import MAX_BODY

BODY: dict[str, Any] = {"model": "gpt-4o", "messages": ASKED, "stream": True}
MIB = 1024 * 1024


def test_a_stream_without_end_takes_no_memory_without_end(recorded: Recorded, provider: Provider) -> None:
    piece = event({"content": "x" * MIB})
    provider.reply = Reply(headers=EVENT_STREAM, chunks=(piece for _ in range(512)))
    read = 0
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with httpx.stream("POST", f"{provider.base_url}/chat/completions", json=BODY, timeout=60) as response:
        for chunk in response.iter_raw():
            read += len(chunk)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert read == 512 * len(piece)
    assert grown < 4 * MAX_BODY
    assert "gen_ai.usage.output_tokens" not in recorded.attributes()
    assert troubles()["answer too long to read"] >= 1


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
