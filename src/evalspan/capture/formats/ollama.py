"""Ollama's own API: chat, generate and embed.

https://docs.ollama.com/api. A call is streamed unless it says otherwise, one JSON object per line.
`prompt_eval_count` is absent where Ollama had the whole prompt cached; then it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.ollama_parts import generated, message, prompted, said
from evalspan.capture.shape import (
    double,
    failure,
    integer,
    items,
    mapping,
    mappings,
    present,
    strings,
    text,
)
from evalspan.model import Json

_NUMBERS = {
    "temperature": a.REQUEST_TEMPERATURE,
    "top_p": a.REQUEST_TOP_P,
    "frequency_penalty": a.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": a.REQUEST_PRESENCE_PENALTY,
}
_COUNTS = {"num_predict": a.REQUEST_MAX_TOKENS, "top_k": a.REQUEST_TOP_K, "seed": a.REQUEST_SEED}


class OllamaChat:
    """`POST .../api/chat`."""

    path = re.compile(r"/api/chat$")
    operation = "chat"
    provider = "ollama"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("model")) or not isinstance(asked.get("messages"), list):
            return None
        content: dict[str, Json] = {a.INPUT_MESSAGES: [message(item) for item in mappings(asked["messages"])]}
        if items(asked.get("tools")):
            content[a.TOOL_DEFINITIONS] = asked["tools"]
        return Half(_parameters(asked), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        return Half(_outcome(answer), {a.OUTPUT_MESSAGES: [said(answer)]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        whole: dict[str, Any] = {"role": "assistant"}
        for event in map(mapping, events):
            answer.update(event)
            piece = mapping(event.get("message"))
            for key in ("content", "thinking"):
                whole[key] = whole.get(key, "") + text(piece.get(key))
            whole.setdefault("tool_calls", []).extend(mappings(piece.get("tool_calls")))
        return {**answer, "message": whole}


class OllamaGenerate:
    """`POST .../api/generate`."""

    path = re.compile(r"/api/generate$")
    operation = "text_completion"
    provider = "ollama"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("model")) or not isinstance(asked.get("prompt"), str):
            return None
        content: dict[str, Json] = {a.INPUT_MESSAGES: [prompted(asked)]}
        if text(asked.get("system")):
            content[a.SYSTEM_INSTRUCTIONS] = [{"type": "text", "content": asked["system"]}]
        return Half(_parameters(asked), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        return Half(_outcome(answer), {a.OUTPUT_MESSAGES: [generated(answer)]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        for event in map(mapping, events):
            grown = {key: text(answer.get(key)) + text(event.get(key)) for key in ("response", "thinking")}
            answer.update({**event, **grown})
        return answer


class OllamaEmbed:
    """`POST .../api/embed`."""

    path = re.compile(r"/api/embed$")
    operation = "embeddings"
    provider = "ollama"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("model")) or "input" not in asked:
            return None
        found = {
            a.REQUEST_MODEL: asked["model"],
            a.EMBEDDING_DIMENSIONS: integer(asked.get("dimensions")),
        }
        texts = strings(asked["input"]) or []
        return Half(present(found), {a.INPUT_MESSAGES: [prompted({"prompt": content}) for content in texts]})

    def response(self, body: Json) -> Half:
        return Half(_outcome(mapping(body)))

    def assemble(self, events: Iterable[Json]) -> Json:
        return None  # never streamed


def _parameters(asked: dict[str, Any]) -> dict[str, AttributeValue]:
    options = mapping(asked.get("options"))
    found: dict[str, AttributeValue | None] = {
        a.REQUEST_MODEL: asked["model"],
        a.REQUEST_STREAM: None if asked.get("stream") is False else True,
        a.REQUEST_STOP_SEQUENCES: strings(options.get("stop")),
        a.REQUEST_REASONING_LEVEL: text(asked.get("think")) or None,
        a.OUTPUT_TYPE: "json" if asked.get("format") else None,
        **{name: double(options.get(key)) for key, name in _NUMBERS.items()},
        **{name: integer(options.get(key)) for key, name in _COUNTS.items()},
    }
    return present(found)


def _outcome(answer: dict[str, Any]) -> dict[str, AttributeValue]:
    reason = text(answer.get("done_reason"))
    found: dict[str, AttributeValue | None] = {
        a.RESPONSE_MODEL: text(answer.get("model")) or None,
        a.RESPONSE_FINISH_REASONS: [reason] if reason else None,
        a.USAGE_INPUT_TOKENS: integer(answer.get("prompt_eval_count")),
        a.USAGE_OUTPUT_TOKENS: integer(answer.get("eval_count")),
        a.ERROR_TYPE: failure(answer),
    }
    return present(found)


FORMATS = (OllamaChat(), OllamaGenerate(), OllamaEmbed())
