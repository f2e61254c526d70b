"""google-genai, whose async calls go over aiohttp where that is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from google import genai

from capture.wires import other_wires as other
from capture.wires import wire as w
from capture.wires.client import FUNCTION, KEY, ONCE, PROMPT, Ask, Call, Client, pair

_PACKAGE = "google-genai, with aiohttp" if find_spec("aiohttp") else "google-genai"


def _google(call: Call, vertex: bool = False) -> tuple[Any, Any]:
    def client(url: str, ask: Ask) -> Any:
        retrying = {"attempts": ask.retries + 1, "initial_delay": 0.001, "max_delay": 0.01, "jitter": 0.001}
        options: Any = {"base_url": url, "retry_options": retrying}
        return genai.Client(vertexai=vertex, api_key=KEY, http_options=options)

    async def call_async(aio: Any, ask: Ask) -> Any:
        return await call(aio, ask)

    return pair(client, lambda url, ask: client(url, ask).aio, call, call_async)


def _generate(client: Any, ask: Ask) -> Any:
    tools = [{"function_declarations": [FUNCTION]}] if ask.tools else None
    config = {"temperature": 0, "max_output_tokens": 50, "tools": tools}
    models = client.models
    generate = models.generate_content_stream if ask.stream else models.generate_content
    return generate(model=w.MODEL, contents=PROMPT, config=config)


def _google_embed(client: Any, ask: Ask) -> Any:
    return client.models.embed_content(model=w.MODEL, contents=PROMPT)


CLIENTS = (
    Client(_PACKAGE, other.GenerateContent(), *_google(_generate)),
    Client(_PACKAGE, other.VertexGenerateContent(), *_google(_generate, vertex=True)),
    Client(_PACKAGE, other.EmbedContent(), *_google(_google_embed), **ONCE),
)
