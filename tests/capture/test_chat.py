"""Chat completions answered as one JSON body: with openai, httpx and httpx2, sync and async."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httpx
import httpx2
import openai
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from capture.conftest import ASKED, Recorded
from capture.provider import COMPLETION, JSON_TYPE, Provider, Reply
from evalspan import attributes as a

KEY = "sk-test-0123456789"
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": ASKED}


def by_openai(base_url: str, **more: Any) -> None:
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        client.chat.completions.create(**cast(Any, BODY | more))


async def by_async_openai(base_url: str, **more: Any) -> None:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        await client.chat.completions.create(**cast(Any, BODY | more))


def by_httpx(base_url: str, **more: Any) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    httpx.post(f"{base_url}/chat/completions", json=BODY | more, headers=headers).raise_for_status()


async def by_async_httpx(base_url: str, **more: Any) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as client:
        (await client.post(f"{base_url}/chat/completions", json=BODY | more)).raise_for_status()


def by_httpx2(base_url: str, **more: Any) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    httpx2.post(f"{base_url}/chat/completions", json=BODY | more, headers=headers).raise_for_status()


Caller = Callable[..., Awaitable[None] | None]
CALLERS = [by_openai, by_async_openai, by_httpx, by_async_httpx, by_httpx2]
every_client = pytest.mark.parametrize("caller", CALLERS)


async def call(caller: Caller, base_url: str, **more: Any) -> None:
    pending = caller(base_url, **more)
    if pending is not None:
        await pending


@every_client
async def test_a_call_is_one_client_span_with_what_was_asked_and_answered(
    caller: Caller, recorded: Recorded, provider: Provider
) -> None:
    await call(caller, provider.base_url, temperature=0, max_tokens=50, stop=["\n"], seed=3)
    (span,) = recorded.calls
    assert (span.name, span.kind) == ("chat gpt-4o", SpanKind.CLIENT)
    assert span.attributes == {
        a.OPERATION_NAME: "chat",
        a.PROVIDER_NAME: "openai",
        a.SERVER_ADDRESS: "127.0.0.1",
        a.SERVER_PORT: provider.port,
        a.REQUEST_MODEL: "gpt-4o",
        a.REQUEST_TEMPERATURE: 0.0,
        a.REQUEST_MAX_TOKENS: 50,
        a.REQUEST_STOP_SEQUENCES: ("\n",),
        a.REQUEST_SEED: 3,
        a.RESPONSE_MODEL: "gpt-4o-2024-08-06",
        a.RESPONSE_ID: "chatcmpl-7",
        a.RESPONSE_FINISH_REASONS: ("stop",),
        a.USAGE_INPUT_TOKENS: 120,
        a.USAGE_OUTPUT_TOKENS: 9,
        a.USAGE_CACHE_READ_TOKENS: 100,
        a.USAGE_REASONING_TOKENS: 4,
    }


@every_client
async def test_the_http_span_lies_below_the_call_and_its_traceparent_goes_out(
    caller: Caller, recorded: Recorded, provider: Provider
) -> None:
    await call(caller, provider.base_url)
    (above,), (below,) = recorded.calls, recorded.http
    assert above.context
    assert below.context
    assert below.parent
    assert below.parent.span_id == above.context.span_id
    sent = provider.requests[0]["traceparent"].split("-")
    assert sent[1:3] == [f"{below.context.trace_id:032x}", f"{below.context.span_id:016x}"]


@every_client
async def test_no_key_and_no_content_is_recorded_unasked(
    caller: Caller, recorded: Recorded, provider: Provider
) -> None:
    await call(caller, provider.base_url)
    everything = "".join(span.to_json() for span in [*recorded.calls, *recorded.http])
    assert KEY in provider.requests[0]["authorization"]
    assert KEY not in everything
    assert "Peru" not in everything
    assert "Lima" not in everything


@every_client
async def test_a_refused_call_is_an_error_with_its_status_and_code(
    caller: Caller, recorded: Recorded, provider: Provider
) -> None:
    said = {
        "error": {"message": f"Limit of {KEY} reached", "type": "requests", "code": "rate_limit_exceeded"}
    }
    provider.reply = Reply(429, chunks=[json.dumps(said).encode()])
    with pytest.raises((openai.RateLimitError, httpx.HTTPStatusError, httpx2.HTTPStatusError)):
        await call(caller, provider.base_url)
    (span,) = recorded.calls
    assert recorded.attributes()[a.ERROR_TYPE] == "429"
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "429 rate_limit_exceeded")


@every_client
async def test_a_call_that_never_arrives_is_an_error_of_its_kind(caller: Caller, recorded: Recorded) -> None:
    with Provider() as gone:
        pass
    with pytest.raises((openai.APIConnectionError, httpx.ConnectError, httpx2.ConnectError)):
        await call(caller, gone.base_url)
    assert recorded.attributes()[a.ERROR_TYPE] == "ConnectError"
    assert a.RESPONSE_MODEL not in recorded.attributes()


def test_every_retry_of_the_client_is_a_call_of_its_own(recorded: Recorded, provider: Provider) -> None:
    provider.reply = Reply(503, headers={**JSON_TYPE, "retry-after-ms": "1"}, chunks=[b"{}"])
    with (
        openai.OpenAI(base_url=provider.base_url, api_key=KEY, max_retries=2) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(**cast(Any, BODY))
    assert [dict(span.attributes or {})[a.ERROR_TYPE] for span in recorded.calls] == ["503"] * 3


@every_client
async def test_a_compressed_answer_is_read_and_reaches_the_caller_whole(
    caller: Caller, recorded: Recorded, provider: Provider
) -> None:
    packed = gzip.compress(json.dumps(COMPLETION).encode())
    provider.reply = Reply(
        headers={**JSON_TYPE, "Content-Encoding": "gzip"}, chunks=[packed[:20], packed[20:]]
    )
    await call(caller, provider.base_url)
    assert recorded.attributes()[a.USAGE_INPUT_TOKENS] == 120
