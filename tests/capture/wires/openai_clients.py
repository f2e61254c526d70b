"""The openai package, of whatever major version is installed."""

from __future__ import annotations

from typing import Any

import openai

from capture.wires import openai_wires as ow
from capture.wires import wire as w
from capture.wires.client import FUNCTION, KEY, MESSAGES, ONCE, PROMPT, Ask, Call, Client, pair

_MAJOR = int(openai.__version__.partition(".")[0])
_PACKAGE = "openai" if _MAJOR >= 3 else f"openai {_MAJOR}.x"


def _openai(call: Call) -> tuple[Any, Any]:
    def settings(url: str, ask: Ask) -> dict[str, Any]:
        return {"base_url": f"{url}/v1", "api_key": KEY, "max_retries": ask.retries}

    return pair(
        lambda url, ask: openai.OpenAI(**settings(url, ask)),
        lambda url, ask: openai.AsyncOpenAI(**settings(url, ask)),
        call,
        call,
    )


def _azure(call: Call) -> tuple[Any, Any]:
    def settings(url: str, ask: Ask) -> dict[str, Any]:
        known = {"azure_endpoint": url, "api_key": KEY, "api_version": "2026-01-01"}
        return {**known, "max_retries": ask.retries}

    return pair(
        lambda url, ask: openai.AzureOpenAI(**settings(url, ask)),
        lambda url, ask: openai.AsyncAzureOpenAI(**settings(url, ask)),
        call,
        call,
    )


def _openai_chat(client: Any, ask: Ask) -> Any:
    more: dict[str, Any] = {"tools": [{"type": "function", "function": FUNCTION}]} if ask.tools else {}
    if ask.stream:
        more |= {"stream": True, "stream_options": {"include_usage": True}}
    return client.chat.completions.create(
        model=w.MODEL, messages=MESSAGES, temperature=0, max_completion_tokens=50, **more
    )


def _openai_responses(client: Any, ask: Ask) -> Any:
    more: dict[str, Any] = {"tools": [{"type": "function", **FUNCTION}]} if ask.tools else {}
    return client.responses.create(
        model=w.MODEL, input=PROMPT, temperature=0, max_output_tokens=50, stream=ask.stream, **more
    )


def _openai_embeddings(client: Any, ask: Ask) -> Any:
    return client.embeddings.create(model=w.MODEL, input=PROMPT, encoding_format="float")


CLIENTS = (
    Client(_PACKAGE, ow.ChatCompletions(), *_openai(_openai_chat)),
    Client(_PACKAGE, ow.Responses(), *_openai(_openai_responses)),
    Client(_PACKAGE, ow.Embeddings(), *_openai(_openai_embeddings), **ONCE),
    Client(_PACKAGE, ow.AzureChatCompletions(), *_azure(_openai_chat)),
)
