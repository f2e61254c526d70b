"""OpenAI's chat completions, which Azure, Mistral, many other providers and local servers speak too.

https://platform.openai.com/docs/api-reference/chat. A stream carries token counts only when the
caller asked for them (`stream_options.include_usage`); otherwise they are absent, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats import azure
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_parts import finished, message, output_type
from evalspan.capture.formats.openai_usage import usage
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
# Reasoning is `reasoning_content` at DeepSeek, xAI and vLLM, `reasoning` at OpenRouter, Groq and newer vLLM.
_GROWING = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
_SAID_ONCE = ("id", "model", "usage", "error")


class OpenAIChat:
    """`POST .../chat/completions`."""

    path = re.compile(r"/chat/completions$")
    operation = "chat"
    provider = "openai"

    def request(self, body: Json, path: str) -> Half | None:
        return requested(body, path)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        choices = mappings(answer.get("choices"))
        reasons = [text(choice.get("finish_reason")) for choice in choices]
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("model")) or None,
            a.RESPONSE_ID: text(answer.get("id")) or None,
            a.RESPONSE_FINISH_REASONS: [reason for reason in reasons if reason] or None,
            a.ERROR_TYPE: failure(answer),
            **usage(mapping(answer.get("usage"))),
        }
        return Half(present(found), {a.OUTPUT_MESSAGES: [finished(choice) for choice in choices]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        choices: dict[int, dict[str, Any]] = {}
        for event in map(mapping, events):
            for holder in (mapping(event.get("x_groq")), event):  # Groq sends usage without being asked
                for key in _SAID_ONCE:
                    if holder.get(key):
                        answer[key] = holder[key]
            for choice in mappings(event.get("choices")):
                _merge(choices.setdefault(integer(choice.get("index")) or 0, {"message": {}}), choice)
        return {**answer, "choices": [choices[index] for index in sorted(choices)]}


def requested(body: Json, path: str) -> Half:
    """A request for a chat completion."""
    asked = mapping(body)
    found: dict[str, AttributeValue | None] = {
        **azure.told_by(path),
        a.REQUEST_MAX_TOKENS: integer(asked.get("max_completion_tokens", asked.get("max_tokens"))),
        # Mistral has a name of its own for the seed.
        a.REQUEST_SEED: integer(asked.get("seed", asked.get("random_seed"))),
        a.REQUEST_TOP_K: integer(asked.get("top_k")),
        a.REQUEST_STOP_SEQUENCES: strings(asked.get("stop")),
        a.REQUEST_CHOICE_COUNT: _unless_one(integer(asked.get("n"))),
        a.REQUEST_STREAM: True if asked.get("stream") is True else None,
        a.REQUEST_REASONING_LEVEL: text(asked.get("reasoning_effort")) or None,
        a.OUTPUT_TYPE: output_type(mapping(asked.get("response_format"))),
        **{name: double(asked.get(key)) for key, name in _NUMBERS.items()},
    }
    if text(asked.get("model")):
        found[a.REQUEST_MODEL] = asked["model"]
    content: dict[str, Json] = {a.INPUT_MESSAGES: [message(item) for item in mappings(asked.get("messages"))]}
    if items(asked.get("tools")):
        content[a.TOOL_DEFINITIONS] = asked["tools"]
    return Half(present(found), content)


def _merge(choice: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add one streamed piece to its choice."""
    if piece.get("finish_reason"):
        choice["finish_reason"] = piece["finish_reason"]
    whole, delta = choice["message"], mapping(piece.get("delta"))
    whole["role"] = whole.get("role") or delta.get("role") or "assistant"
    for key, said in delta.items():
        if key in _GROWING and isinstance(said, str):
            _grow(whole, key, said)
        elif key == "content":  # Mistral's reasoning models stream typed blocks
            _merge_blocks(whole, mappings(said))
        elif key == "tool_calls":
            for call in mappings(said):
                _merge_call(whole.setdefault("tool_calls", []), call)


def _merge_blocks(whole: dict[str, Any], blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        _grow(whole, "content", text(block.get("text")))
        for thought in mappings(block.get("thinking")):
            _grow(whole, "reasoning", text(thought.get("text")))


def _grow(whole: dict[str, Any], key: str, piece: str) -> None:
    if piece:
        whole[key] = whole.get(key, "") + piece


def _merge_call(calls: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add a streamed piece of a tool call: the first names it, the others carry more arguments."""
    index = integer(piece.get("index"))
    call = next((known for known in calls if known["index"] == index), None)
    if call is None:
        calls.append(call := {"index": index, "function": {}})
    if piece.get("id"):
        call["id"] = piece["id"]
    whole: dict[str, Any] = call["function"]
    for key in ("name", "arguments"):
        whole[key] = whole.get(key, "") + text(mapping(piece.get("function")).get(key))


def _unless_one(count: int | None) -> int | None:
    return None if count == 1 else count


FORMATS = (OpenAIChat(),)
