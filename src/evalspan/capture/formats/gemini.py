"""Google's `generateContent` and `streamGenerateContent`, of the Gemini API and of Vertex AI.

https://ai.google.dev/api/generate-content. Its `candidatesTokenCount` leaves the thoughts out and its
`promptTokenCount` what tools put into the prompt; ours include them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.gemini_parts import camel, message, parts
from evalspan.capture.shape import (
    count,
    double,
    failure,
    integer,
    items,
    mapping,
    mappings,
    present,
    strings,
    text,
    total,
)
from evalspan.model import Json

_PATH = re.compile(r"/([^/:]+):(generateContent|streamGenerateContent)$")
_NUMBERS = {
    "temperature": a.REQUEST_TEMPERATURE,
    "topP": a.REQUEST_TOP_P,
    "frequencyPenalty": a.REQUEST_FREQUENCY_PENALTY,
    "presencePenalty": a.REQUEST_PRESENCE_PENALTY,
}
_COUNTS = {
    "maxOutputTokens": a.REQUEST_MAX_TOKENS,
    "topK": a.REQUEST_TOP_K,
    "seed": a.REQUEST_SEED,
}


def told_by(path: str) -> dict[str, AttributeValue | None]:
    """The model, and Vertex AI as the provider where the path has its shape."""
    vertex = "/publishers/" in path or "/projects/" in path
    name = path.rstrip("/").rpartition("/")[2].rpartition(":")[0]
    return {a.REQUEST_MODEL: name, **({a.PROVIDER_NAME: "gcp.vertex_ai"} if vertex else {})}


class GeminiContent:
    """`POST .../models/{model}:generateContent`."""

    path = _PATH
    operation = "generate_content"
    provider = "gcp.gemini"

    def request(self, body: Json, path: str) -> Half:
        asked = camel(mapping(body))
        config = camel(mapping(asked.get("generationConfig")))
        thinking = camel(mapping(config.get("thinkingConfig")))
        streamed = ":stream" in path
        choices = integer(config.get("candidateCount"))
        found: dict[str, AttributeValue | None] = {
            **told_by(path),
            a.REQUEST_STREAM: True if streamed else None,
            a.REQUEST_STOP_SEQUENCES: strings(config.get("stopSequences")),
            a.REQUEST_CHOICE_COUNT: None if choices == 1 else choices,
            a.REQUEST_REASONING_LEVEL: text(thinking.get("thinkingLevel")) or None,
            a.OUTPUT_TYPE: "json" if config.get("responseMimeType") == "application/json" else None,
            **{name: double(config.get(key)) for key, name in _NUMBERS.items()},
            **{name: count(config.get(key)) for key, name in _COUNTS.items()},
        }
        contents = asked.get("contents")
        content: dict[str, Json] = {
            a.INPUT_MESSAGES: [message(item) for item in mappings(contents) or [mapping(contents)]]
        }
        if mapping(asked.get("systemInstruction")):
            content[a.SYSTEM_INSTRUCTIONS] = parts(asked["systemInstruction"])
        if items(asked.get("tools")):
            content[a.TOOL_DEFINITIONS] = asked["tools"]
        return Half(present(found), content)

    def response(self, body: Json) -> Half:
        if isinstance(body, list):  # a stream that was not asked for as server-sent events
            body = self.assemble(items(body))
        answer = mapping(body)
        candidates = mappings(answer.get("candidates"))
        reasons = [text(candidate.get("finishReason")) for candidate in candidates]
        reasons.append(text(mapping(answer.get("promptFeedback")).get("blockReason")))
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("modelVersion")) or None,
            a.RESPONSE_ID: text(answer.get("responseId")) or None,
            a.RESPONSE_FINISH_REASONS: [reason for reason in reasons if reason] or None,
            a.ERROR_TYPE: failure(answer),
            **_usage(mapping(answer.get("usageMetadata"))),
        }
        return Half(present(found), {a.OUTPUT_MESSAGES: [_said(candidate) for candidate in candidates]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        candidates: dict[int, dict[str, Any]] = {}
        for event in map(mapping, events):
            answer.update(event)
            for piece in mappings(event.get("candidates")):
                whole = candidates.setdefault(integer(piece.get("index")) or 0, {"content": {"parts": []}})
                whole.update({key: value for key, value in piece.items() if key != "content"})
                for part in mappings(mapping(piece.get("content")).get("parts")):
                    _append(whole["content"]["parts"], part)
        return {**answer, "candidates": [candidates[index] for index in sorted(candidates)]}


def _append(known: list[dict[str, Any]], part: dict[str, Any]) -> None:
    """Add a streamed part: text goes on where the last part is text of the same kind."""
    last = known[-1] if known else {}
    if "text" in part and "text" in last and part.get("thought") == last.get("thought"):
        last["text"] = text(last["text"]) + text(part["text"])
    else:
        known.append(dict(part))


def _said(candidate: dict[str, Any]) -> dict[str, Json]:
    return {
        "role": "assistant",
        "parts": parts(candidate.get("content")),
        "finish_reason": text(candidate.get("finishReason")),
    }


def _usage(usage: dict[str, Any]) -> dict[str, AttributeValue | None]:
    stated = {key: integer(value) for key, value in usage.items()}
    return {
        a.USAGE_INPUT_TOKENS: total(stated.get("promptTokenCount"), stated.get("toolUsePromptTokenCount")),
        a.USAGE_OUTPUT_TOKENS: total(stated.get("candidatesTokenCount"), stated.get("thoughtsTokenCount")),
        a.USAGE_CACHE_READ_TOKENS: stated.get("cachedContentTokenCount"),
        a.USAGE_REASONING_TOKENS: stated.get("thoughtsTokenCount"),
    }


FORMATS = (GeminiContent(),)
