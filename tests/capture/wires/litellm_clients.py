"""litellm, in front of several providers; its async calls go over aiohttp."""

from __future__ import annotations

import importlib
from typing import Any, cast

from capture.wires import openai_wires as ow
from capture.wires import other_wires as other
from capture.wires import wire as w
from capture.wires.client import FUNCTION, KEY, MESSAGES, ONCE, PROMPT, Ask, Client
from capture.wires.wire import Wire

_litellm = cast(Any, importlib.import_module("litellm"))


def _arguments(provider: str, base: str, ask: Ask) -> dict[str, Any]:
    more: dict[str, Any] = {"tools": [{"type": "function", "function": FUNCTION}]} if ask.tools else {}
    if ask.stream:
        more |= {"stream": True, "stream_options": {"include_usage": True}}
    return {
        "model": f"{provider}/{w.MODEL}",
        "messages": MESSAGES,
        "api_key": KEY,
        "api_base": base,
        "temperature": 0,
        "max_tokens": 50,
        "max_retries": 0,
        "num_retries": ask.retries,
        **more,
    }


def _chat(provider: str, wire: Wire, path: str = "", **offered: bool) -> Client:
    def sync(url: str, ask: Ask) -> object:
        answer = _litellm.completion(**_arguments(provider, url + path, ask))
        return list(answer) if ask.stream else answer

    async def asynchronous(url: str, ask: Ask) -> object:
        answer = await _litellm.acompletion(**_arguments(provider, url + path, ask))
        return [item async for item in answer] if ask.stream else answer

    return Client(f"litellm, {provider}", wire, sync, asynchronous, **offered)


def _embeddings() -> Client:
    def arguments(url: str, ask: Ask) -> dict[str, Any]:
        known = {"model": f"openai/{w.MODEL}", "input": [PROMPT], "api_key": KEY, "api_base": f"{url}/v1"}
        return {**known, "max_retries": 0, "num_retries": ask.retries}

    def sync(url: str, ask: Ask) -> object:
        return _litellm.embedding(**arguments(url, ask))

    async def asynchronous(url: str, ask: Ask) -> object:
        return await _litellm.aembedding(**arguments(url, ask))

    return Client("litellm, openai", ow.Embeddings(), sync, asynchronous, **ONCE)


CLIENTS = (
    _chat("openai", ow.ChatCompletions(), "/v1"),
    _embeddings(),
    _chat("groq", ow.ChatCompletions(), "/openai/v1"),
    _chat("mistral", ow.MistralChat(), "/v1"),
    _chat("anthropic", other.Messages()),
    _chat("gemini", other.GenerateContent()),
    # litellm 1.106 takes the `event:` lines of Cohere's stream for JSON, and raises.
    _chat("cohere_chat", other.CohereChat(), "/v2/chat", streams=False),
    _chat("ollama_chat", other.OllamaChat()),
)
