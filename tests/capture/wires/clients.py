"""The unmodified client packages of this environment."""

from __future__ import annotations

from typing import Any, cast

import anthropic
import cohere
import ollama
from mistralai import client as mistral
from mistralai.client.utils import BackoffStrategy, RetryConfig

from capture.wires import google_clients, openai_clients
from capture.wires import openai_wires as ow
from capture.wires import other_wires as other
from capture.wires import wire as w
from capture.wires.client import FUNCTION, KEY, MESSAGES, ONCE, PROMPT, SCHEMA, Ask, Call, Client, pair


def _anthropic_messages(client: Any, ask: Ask) -> Any:
    tool = {"name": w.TOOL, "description": "A capital.", "input_schema": SCHEMA}
    more: dict[str, Any] = {"tools": [tool]} if ask.tools else {}
    return client.messages.create(
        model=w.MODEL,
        messages=MESSAGES,
        max_tokens=50,
        stream=ask.stream,
        extra_body={"temperature": 0},  # no parameter of anthropic 2.x, but of the API
        **more,
    )


def _anthropic() -> tuple[Any, Any]:
    return pair(
        lambda url, ask: anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=ask.retries),
        lambda url, ask: anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=ask.retries),
        _anthropic_messages,
        _anthropic_messages,
    )


def _mistral(call: Call, call_async: Call) -> tuple[Any, Any]:
    def client(url: str, ask: Ask) -> Any:
        retrying = RetryConfig("backoff", BackoffStrategy(1, 5, 1.0, 1000), False) if ask.retries else None
        return mistral.Mistral(api_key=KEY, server_url=url, retry_config=retrying)

    return pair(client, client, call, call_async)


def _mistral_chat(suffix: str) -> Call:
    def call(client: Any, ask: Ask) -> Any:
        more: dict[str, Any] = {"tools": [{"type": "function", "function": FUNCTION}]} if ask.tools else {}
        name = ("stream" if ask.stream else "complete") + suffix
        create = getattr(client.chat, name)
        return create(model=w.MODEL, messages=MESSAGES, temperature=0, max_tokens=50, **more)

    return call


def _mistral_embeddings(suffix: str) -> Call:
    def call(client: Any, ask: Ask) -> Any:
        return getattr(client.embeddings, f"create{suffix}")(model=w.MODEL, inputs=[PROMPT])

    return call


def _cohere_chat(client: Any, ask: Ask) -> Any:
    more: dict[str, Any] = {"tools": [{"type": "function", "function": FUNCTION}]} if ask.tools else {}
    create = client.chat_stream if ask.stream else client.chat
    return create(model=w.MODEL, messages=MESSAGES, temperature=0, max_tokens=50, **more)


def _cohere() -> tuple[Any, Any]:
    async def call_async(client: Any, ask: Ask) -> Any:
        answer = _cohere_chat(client, ask)
        return answer if ask.stream else await answer

    return pair(
        lambda url, ask: cohere.ClientV2(api_key=KEY, base_url=url, max_retries=ask.retries),
        lambda url, ask: cohere.AsyncClientV2(api_key=KEY, base_url=url, max_retries=ask.retries),
        _cohere_chat,
        call_async,
    )


def _ollama(call: Call) -> tuple[Any, Any]:
    return pair(
        lambda url, ask: cast(Any, ollama.Client)(host=url),
        lambda url, ask: cast(Any, ollama.AsyncClient)(host=url),
        call,
        call,
    )


_OPTIONS = {"temperature": 0, "num_predict": 50}


def _ollama_chat(client: Any, ask: Ask) -> Any:
    tools = [{"type": "function", "function": FUNCTION}] if ask.tools else None
    return client.chat(model=w.MODEL, messages=MESSAGES, tools=tools, stream=ask.stream, options=_OPTIONS)


def _ollama_generate(client: Any, ask: Ask) -> Any:
    return client.generate(model=w.MODEL, prompt=PROMPT, stream=ask.stream, options=_OPTIONS)


def _ollama_embed(client: Any, ask: Ask) -> Any:
    return client.embed(model=w.MODEL, input=PROMPT)


CLIENTS = (
    *openai_clients.CLIENTS,
    Client("anthropic", other.Messages(), *_anthropic()),
    *google_clients.CLIENTS,
    Client("mistralai", ow.MistralChat(), *_mistral(_mistral_chat(""), _mistral_chat("_async"))),
    Client(
        "mistralai",
        ow.MistralEmbeddings(),
        *_mistral(_mistral_embeddings(""), _mistral_embeddings("_async")),
        **ONCE,
    ),
    Client("cohere", other.CohereChat(), *_cohere()),
    Client("ollama", other.OllamaChat(), *_ollama(_ollama_chat), retries=False),
    Client("ollama", other.OllamaGenerate(), *_ollama(_ollama_generate), tools=False, retries=False),
    Client("ollama", other.OllamaEmbed(), *_ollama(_ollama_embed), retries=False, **ONCE),
)
