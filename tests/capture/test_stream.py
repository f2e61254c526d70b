"""Streamed answers: the caller's bytes are untouched and on time, and the call ends with its stream."""

from __future__ import annotations

import gc
import json
import threading
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from opentelemetry.trace import StatusCode

from capture.conftest import ASKED, Recorded
from capture.provider import EVENT_STREAM, Provider, Reply, event
from evalspan import attributes as a

USAGE: dict[str, Any] = {
    "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    "choices": [],
}
DONE = b"data: [DONE]\n\n"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of Peru?"}]
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": ASKED, "stream": True}


def stream_of(*chunks: bytes | threading.Event, breaks_off: bool = False) -> Reply:
    return Reply(headers=EVENT_STREAM, chunks=chunks, breaks_off=breaks_off)


def named(kind: str, **more: Any) -> bytes:
    """One event of a wire that names its events."""
    return f"event: {kind}\r\ndata: {json.dumps({'type': kind, **more})}\r\n\r\n".encode()


COUNTS = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
ANSWER: dict[str, Any] = {"id": "r-1", "output": [], "usage": COUNTS}
LIMA = (event({"role": "assistant", "content": "Li"}), event({"content": "ma"}), event({}, "stop"))


@pytest.mark.usefixtures("in_experiment")
def test_a_stream_adds_up_to_one_answer(recorded: Recorded, provider: Provider) -> None:
    provider.reply = stream_of(*LIMA, event({}, **USAGE), DONE)
    with (
        openai.OpenAI(base_url=provider.base_url, api_key="k") as client,
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as stream,
    ):
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == "Lima"
    found = recorded.attributes()
    assert json.loads(found[a.OUTPUT_MESSAGES]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Lima"}], "finish_reason": "stop"}
    ]
    assert found[a.REQUEST_STREAM] is True
    assert (found[a.USAGE_INPUT_TOKENS], found[a.USAGE_OUTPUT_TOKENS]) == (7, 2)
    assert (found[a.RESPONSE_MODEL], found[a.RESPONSE_FINISH_REASONS]) == ("gpt-4o-2024-08-06", ("stop",))


async def test_an_async_stream_is_read_along_as_well(recorded: Recorded, provider: Provider) -> None:
    provider.reply = stream_of(*LIMA, event({}, **USAGE), DONE)
    async with openai.AsyncOpenAI(base_url=provider.base_url, api_key="k") as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert text == "Lima"
    assert recorded.attributes()[a.USAGE_OUTPUT_TOKENS] == 2


def test_tokens_that_the_stream_does_not_carry_are_absent(recorded: Recorded, provider: Provider) -> None:
    provider.reply = stream_of(*LIMA, DONE)
    httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert a.RESPONSE_FINISH_REASONS in recorded.attributes()
    assert not [name for name in recorded.attributes() if name.startswith("gen_ai.usage.")]


def test_bytes_arrive_untouched_while_the_provider_still_speaks(
    recorded: Recorded, provider: Provider
) -> None:
    more = threading.Event()
    provider.reply = stream_of(LIMA[0], more, *LIMA[1:], DONE)
    with httpx.stream("POST", f"{provider.base_url}/chat/completions", json=BODY, timeout=5) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        assert first == LIMA[0]
        assert recorded.calls == []
        more.set()
        assert first + b"".join(pieces) == b"".join((*LIMA, DONE))
    (span,) = recorded.calls
    assert span.start_time
    assert span.end_time
    assert 0 < recorded.attributes()[a.RESPONSE_TIME_TO_FIRST_CHUNK] < (span.end_time - span.start_time) / 1e9


@pytest.mark.usefixtures("in_experiment")
def test_a_stream_closed_early_keeps_what_came_and_is_no_error(
    recorded: Recorded, provider: Provider
) -> None:
    more = threading.Event()
    provider.reply = stream_of(LIMA[0], more, *LIMA[1:])
    with httpx.stream("POST", f"{provider.base_url}/chat/completions", json=BODY, timeout=5) as response:
        next(response.iter_raw())
    more.set()
    (span,) = recorded.calls
    assert span.status.status_code is StatusCode.UNSET
    assert json.loads(recorded.attributes()[a.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "text", "content": "Li"}
    ]
    assert a.RESPONSE_FINISH_REASONS not in recorded.attributes()


async def test_an_async_stream_closed_early_ends_the_call(recorded: Recorded, provider: Provider) -> None:
    more = threading.Event()
    provider.reply = stream_of(LIMA[0], more, *LIMA[1:])
    async with openai.AsyncOpenAI(base_url=provider.base_url, api_key="k") as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        await anext(aiter(stream))
        await stream.close()
    more.set()
    assert len(recorded.calls) == 1


def test_a_stream_that_breaks_off_is_an_error_for_both(recorded: Recorded, provider: Provider) -> None:
    provider.reply = stream_of(LIMA[0], breaks_off=True)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert recorded.attributes()[a.ERROR_TYPE] == "RemoteProtocolError"
    assert recorded.attributes()[a.RESPONSE_ID] == "chatcmpl-8"


@pytest.mark.parametrize(
    ("path", "pieces"),
    [
        ("/v1/chat/completions", (*LIMA, event({}, **USAGE), b"data: [DO", b"NE]\n\n")),
        ("/v1/responses", (named("response.created"), named("response.completed", response=ANSWER))),
        ("/v1/messages", (named("message_delta", usage={"output_tokens": 2}), named("message_stop"))),
        ("/v2/chat", (named("message-end", delta={"usage": {"tokens": {"output_tokens": 2}}}),)),
    ],
    ids=["chat completions", "responses", "messages", "cohere"],
)
def test_a_call_ends_where_its_wire_says_so_though_the_client_reads_no_further(
    path: str, pieces: tuple[bytes, ...], recorded: Recorded, provider: Provider
) -> None:
    more, wanted = threading.Event(), b"".join(pieces)
    provider.reply = stream_of(*pieces, more)
    url = f"http://127.0.0.1:{provider.port}{path}"
    with httpx.stream("POST", url, json={**BODY, "input": "hi", "max_tokens": 5}) as response:
        read = b""
        for piece in response.iter_raw():
            assert recorded.calls == [] or read + piece == wanted
            read += piece
            if read == wanted:
                break
        (call,) = recorded.calls
        assert dict(call.attributes or {})[a.USAGE_OUTPUT_TOKENS] == 2
        more.set()


def test_an_end_mark_inside_an_answer_ends_nothing(recorded: Recorded, provider: Provider) -> None:
    said = event({"content": "data: [DONE]\n\nevent: message_stop\n\n"})
    provider.reply = stream_of(said, *LIMA, event({}, **USAGE), DONE)
    httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert recorded.attributes()[a.USAGE_OUTPUT_TOKENS] == 2


def test_a_forgotten_stream_ends_its_call(recorded: Recorded, provider: Provider) -> None:
    with httpx.Client() as client:
        request = client.build_request("POST", f"{provider.base_url}/chat/completions", json=BODY)
        provider.reply = stream_of(*LIMA, DONE)
        response = client.send(request, stream=True)
        assert recorded.calls == []
        del response
        gc.collect()
    assert len(recorded.calls) == 1


@pytest.mark.usefixtures("in_experiment")
def test_a_streamed_tool_call_is_put_together(recorded: Recorded, provider: Provider) -> None:
    def piece(**function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "function": function}]}

    first = {"tool_calls": [{"index": 0, "id": "call-1", "function": {"name": "city", "arguments": ""}}]}
    provider.reply = stream_of(
        event(first),
        event(piece(arguments='{"of"')),
        event(piece(arguments=': "Peru"}')),
        event({}, "tool_calls"),
    )
    httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert json.loads(recorded.attributes()[a.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "tool_call", "name": "city", "arguments": {"of": "Peru"}, "id": "call-1"}
    ]
