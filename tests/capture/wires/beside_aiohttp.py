"""Calls of litellm and google-genai where aiohttp is installed: run as a script, in their environment.

Prints, as JSON, for each client and way whether the spans of a plain and a streamed call have the tokens
that the server sent. With `DISABLE_AIOHTTP_TRANSPORT` both clients are kept on httpx.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
from typing import Any, cast

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from capture.wires import wire as w
from capture.wires.openai_wires import ChatCompletions
from capture.wires.other_wires import GenerateContent, Messages, OllamaChat
from capture.wires.server import Server
from capture.wires.wire import Wire
from evalspan import attributes as a
from evalspan import capture

KEEP_HTTPX = bool(os.environ.get("DISABLE_AIOHTTP_TRANSPORT"))
MODELS: dict[str, tuple[str, Wire, str]] = {
    "`litellm`, openai": ("openai/gpt-4o", ChatCompletions(), "/v1"),
    "`litellm`, anthropic": ("anthropic/claude-sonnet-4-5", Messages(), ""),
    "`litellm`, gemini": ("gemini/gemini-2.5-pro", GenerateContent(), ""),
    "`litellm`, ollama_chat": ("ollama_chat/m", OllamaChat(), ""),
}
GOOGLE = "`google-genai` with aiohttp installed"
MESSAGES = [{"role": "user", "content": "What is the capital of Peru?"}]


def litellm_call(name: str, url: str, way: str, stream: bool) -> None:
    litellm = cast(Any, importlib.import_module("litellm"))
    model, _, base = MODELS[name]
    known = {"model": model, "messages": MESSAGES, "api_key": "sk-test", "api_base": url + base}
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}

    async def asynchronous() -> object:
        answer = await litellm.acompletion(**known, **options)
        return [item async for item in answer] if stream else answer

    if way == "async":
        asyncio.run(asynchronous())
    elif stream:
        list(litellm.completion(**known, **options))
    else:
        litellm.completion(**known)


def google_call(url: str, way: str, stream: bool) -> None:
    genai = cast(Any, importlib.import_module("google.genai"))
    httpx2 = cast(Any, importlib.import_module("httpx2"))
    kept = {"async_client_args": {"transport": httpx2.AsyncHTTPTransport()}} if KEEP_HTTPX else {}
    client = genai.Client(api_key="sk-test", http_options={"base_url": url, **kept})
    asked = {"model": w.MODEL, "contents": "What is the capital of Peru?"}

    async def asynchronous() -> object:
        if stream:
            return [item async for item in await client.aio.models.generate_content_stream(**asked)]
        return await client.aio.models.generate_content(**asked)

    if way == "async":
        asyncio.run(asynchronous())
    elif stream:
        list(client.models.generate_content_stream(**asked))
    else:
        client.models.generate_content(**asked)


def called(name: str, way: str, stream: bool) -> int:
    """Make one call; the port of the server that answered it."""
    with Server(GenerateContent() if name == GOOGLE else MODELS[name][1], ["ok"]) as server:
        if name == GOOGLE:
            google_call(server.url, way, stream)
        else:
            litellm_call(name, server.url, way, stream)
    return int(server.url.rpartition(":")[2])


def main() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    capture.install(provider)
    names = (*MODELS, GOOGLE)
    ports = {
        (name, way): [called(name, way, stream) for stream in (False, True)]
        for name in names
        for way in ("sync", "async")
    }
    gc.collect()  # litellm leaves a stream before its end; such a call ends when the stream is forgotten
    spans = [span.attributes or {} for span in exporter.get_finished_spans()]
    known = [
        (found[a.SERVER_PORT], found.get(a.USAGE_INPUT_TOKENS))
        for found in spans
        if a.OPERATION_NAME in found
    ]

    def recorded(port: int) -> bool:
        return [count for where, count in known if where == port] == [w.INPUT]

    print(
        json.dumps(
            {name: {way: all(map(recorded, ports[name, way])) for way in ("sync", "async")} for name in names}
        )
    )


if __name__ == "__main__":
    main()
