"""The unmodified client packages, each as a user calls it, sync and async.

The packages are used untyped: their types describe answers, and here only what they send counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import anthropic
import cohere
import ollama
import openai
from google import genai
from mistralai import client as mistral
from mistralai.client.utils import BackoffStrategy, RetryConfig

from capture.wires import openai_wires as ow
from capture.wires import other_wires as other
from capture.wires import wire as w
from capture.wires.wire import Wire

KEY = "sk-test-0123456789"
PROMPT = "What is the capital of Peru?"
MESSAGES: list[Any] = [{"role": "user", "content": PROMPT}]
_SCHEMA: dict[str, Any] = {"type": "object", "properties": {"of": {"type": "string"}}}
_FUNCTION: dict[str, Any] = {"name": w.TOOL, "description": "A capital.", "parameters": _SCHEMA}


@dataclass(frozen=True)
class Ask:
    """What to ask for."""

    stream: bool = False
    tools: bool = False
    retries: int = 0


@dataclass(frozen=True)
class Client:
    """One package calling one wire."""

    package: str
    wire: Wire
    sync: Callable[[str, Ask], object]
    asynchronous: Callable[[str, Ask], Awaitable[object]]
    streams: bool = True
    tools: bool = True
    retries: bool = True

    def __str__(self) -> str:
        return f"{self.package} {self.wire.name}"


Call = Callable[[Any, Ask], Any]


def _pair(
    make: Callable[[str, Ask], Any], make_async: Callable[[str, Ask], Any], call: Call, call_async: Call
) -> tuple[Callable[[str, Ask], object], Callable[[str, Ask], Awaitable[object]]]:
    """The two callers of a package whose clients are context managers: make, call, read to the end."""

    def sync(url: str, ask: Ask) -> object:
        with make(url, ask) as client:
            answer = call(client, ask)
            return list(answer) if ask.stream else answer

    async def asynchronous(url: str, ask: Ask) -> object:
        async with make_async(url, ask) as client:
            answer = await call_async(client, ask)
            return [item async for item in answer] if ask.stream else answer

    return sync, asynchronous


def _openai(call: Call) -> tuple[Any, Any]:
    def settings(url: str, ask: Ask) -> dict[str, Any]:
        return {"base_url": f"{url}/v1", "api_key": KEY, "max_retries": ask.retries}

    return _pair(
        lambda url, ask: openai.OpenAI(**settings(url, ask)),
        lambda url, ask: openai.AsyncOpenAI(**settings(url, ask)),
        call,
        call,
    )


def _azure(call: Call) -> tuple[Any, Any]:
    def settings(url: str, ask: Ask) -> dict[str, Any]:
        known = {"azure_endpoint": url, "api_key": KEY, "api_version": "2026-01-01"}
        return {**known, "max_retries": ask.retries}

    return _pair(
        lambda url, ask: openai.AzureOpenAI(**settings(url, ask)),
        lambda url, ask: openai.AsyncAzureOpenAI(**settings(url, ask)),
        call,
        call,
    )


def _openai_chat(client: Any, ask: Ask) -> Any:
    more: dict[str, Any] = {"tools": [{"type": "function", "function": _FUNCTION}]} if ask.tools else {}
    if ask.stream:
        more |= {"stream": True, "stream_options": {"include_usage": True}}
    return client.chat.completions.create(
        model=w.MODEL, messages=MESSAGES, temperature=0, max_completion_tokens=50, **more
    )


def _openai_responses(client: Any, ask: Ask) -> Any:
    more: dict[str, Any] = {"tools": [{"type": "function", **_FUNCTION}]} if ask.tools else {}
    return client.responses.create(
        model=w.MODEL, input=PROMPT, temperature=0, max_output_tokens=50, stream=ask.stream, **more
    )


def _openai_embeddings(client: Any, ask: Ask) -> Any:
    return client.embeddings.create(model=w.MODEL, input=PROMPT, encoding_format="float")


def _anthropic_messages(client: Any, ask: Ask) -> Any:
    tool = {"name": w.TOOL, "description": "A capital.", "input_schema": _SCHEMA}
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
    return _pair(
        lambda url, ask: anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=ask.retries),
        lambda url, ask: anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=ask.retries),
        _anthropic_messages,
        _anthropic_messages,
    )


def _google(call: Call, vertex: bool = False) -> tuple[Any, Any]:
    def client(url: str, ask: Ask) -> Any:
        retrying = {"attempts": ask.retries + 1, "initial_delay": 0.001, "max_delay": 0.01, "jitter": 0.001}
        options: Any = {"base_url": url, "retry_options": retrying}
        return genai.Client(vertexai=vertex, api_key=KEY, http_options=options)

    async def call_async(aio: Any, ask: Ask) -> Any:
        return await call(aio, ask)

    return _pair(client, lambda url, ask: client(url, ask).aio, call, call_async)


def _generate(client: Any, ask: Ask) -> Any:
    tools = [{"function_declarations": [_FUNCTION]}] if ask.tools else None
    config = {"temperature": 0, "max_output_tokens": 50, "tools": tools}
    models = client.models
    generate = models.generate_content_stream if ask.stream else models.generate_content
    return generate(model=w.MODEL, contents=PROMPT, config=config)


def _google_embed(client: Any, ask: Ask) -> Any:
    return client.models.embed_content(model=w.MODEL, contents=PROMPT)


def _mistral(call: Call, call_async: Call) -> tuple[Any, Any]:
    def client(url: str, ask: Ask) -> Any:
        retrying = RetryConfig("backoff", BackoffStrategy(1, 5, 1.0, 1000), False) if ask.retries else None
        return mistral.Mistral(api_key=KEY, server_url=url, retry_config=retrying)

    return _pair(client, client, call, call_async)


def _mistral_chat(suffix: str) -> Call:
    def call(client: Any, ask: Ask) -> Any:
        more: dict[str, Any] = {"tools": [{"type": "function", "function": _FUNCTION}]} if ask.tools else {}
        name = ("stream" if ask.stream else "complete") + suffix
        create = getattr(client.chat, name)
        return create(model=w.MODEL, messages=MESSAGES, temperature=0, max_tokens=50, **more)

    return call


def _mistral_embeddings(suffix: str) -> Call:
    def call(client: Any, ask: Ask) -> Any:
        return getattr(client.embeddings, f"create{suffix}")(model=w.MODEL, inputs=[PROMPT])

    return call


def _cohere_chat(client: Any, ask: Ask) -> Any:
    more: dict[str, Any] = {"tools": [{"type": "function", "function": _FUNCTION}]} if ask.tools else {}
    create = client.chat_stream if ask.stream else client.chat
    return create(model=w.MODEL, messages=MESSAGES, temperature=0, max_tokens=50, **more)


def _cohere() -> tuple[Any, Any]:
    async def call_async(client: Any, ask: Ask) -> Any:
        answer = _cohere_chat(client, ask)
        return answer if ask.stream else await answer

    return _pair(
        lambda url, ask: cohere.ClientV2(api_key=KEY, base_url=url, max_retries=ask.retries),
        lambda url, ask: cohere.AsyncClientV2(api_key=KEY, base_url=url, max_retries=ask.retries),
        _cohere_chat,
        call_async,
    )


def _ollama(call: Call) -> tuple[Any, Any]:
    return _pair(
        lambda url, ask: cast(Any, ollama.Client)(host=url),
        lambda url, ask: cast(Any, ollama.AsyncClient)(host=url),
        call,
        call,
    )


_OPTIONS = {"temperature": 0, "num_predict": 50}


def _ollama_chat(client: Any, ask: Ask) -> Any:
    tools = [{"type": "function", "function": _FUNCTION}] if ask.tools else None
    return client.chat(model=w.MODEL, messages=MESSAGES, tools=tools, stream=ask.stream, options=_OPTIONS)


def _ollama_generate(client: Any, ask: Ask) -> Any:
    return client.generate(model=w.MODEL, prompt=PROMPT, stream=ask.stream, options=_OPTIONS)


def _ollama_embed(client: Any, ask: Ask) -> Any:
    return client.embed(model=w.MODEL, input=PROMPT)


_ONCE: dict[str, bool] = {"streams": False, "tools": False}

CLIENTS = (
    Client("openai", ow.ChatCompletions(), *_openai(_openai_chat)),
    Client("openai", ow.Responses(), *_openai(_openai_responses)),
    Client("openai", ow.Embeddings(), *_openai(_openai_embeddings), **_ONCE),
    Client("openai", ow.AzureChatCompletions(), *_azure(_openai_chat)),
    Client("anthropic", other.Messages(), *_anthropic()),
    Client("google-genai", other.GenerateContent(), *_google(_generate)),
    Client("google-genai", other.VertexGenerateContent(), *_google(_generate, vertex=True)),
    Client("google-genai", other.EmbedContent(), *_google(_google_embed), **_ONCE),
    Client("mistralai", ow.MistralChat(), *_mistral(_mistral_chat(""), _mistral_chat("_async"))),
    Client(
        "mistralai",
        ow.MistralEmbeddings(),
        *_mistral(_mistral_embeddings(""), _mistral_embeddings("_async")),
        **_ONCE,
    ),
    Client("cohere", other.CohereChat(), *_cohere()),
    Client("ollama", other.OllamaChat(), *_ollama(_ollama_chat), retries=False),
    Client("ollama", other.OllamaGenerate(), *_ollama(_ollama_generate), tools=False, retries=False),
    Client("ollama", other.OllamaEmbed(), *_ollama(_ollama_embed), retries=False, **_ONCE),
)
