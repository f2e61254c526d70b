"""OpenAI's chat completions, which many providers and local servers speak too.

https://platform.openai.com/docs/api-reference/chat. A stream carries token counts only when the
caller asked for them (`stream_options.include_usage`); otherwise they are absent, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_parts import finished, message
from evalspan.capture.shape import integer, items, mapping, mappings, number, text
from evalspan.model import Json

_NUMBERS = {
    "temperature": a.REQUEST_TEMPERATURE,
    "top_p": a.REQUEST_TOP_P,
    "frequency_penalty": a.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": a.REQUEST_PRESENCE_PENALTY,
}


class OpenAIChat:
    """`POST .../chat/completions`."""

    path = "/chat/completions"
    operation = "chat"
    provider = "openai"

    def request(self, body: Json) -> Half:
        asked = mapping(body)
        found: dict[str, AttributeValue | None] = {
            a.REQUEST_MODEL: text(asked.get("model")) or None,
            a.REQUEST_MAX_TOKENS: integer(asked.get("max_completion_tokens", asked.get("max_tokens"))),
            a.REQUEST_SEED: integer(asked.get("seed")),
            a.REQUEST_STOP_SEQUENCES: _stop(asked.get("stop")),
            a.REQUEST_CHOICE_COUNT: _unless_one(integer(asked.get("n"))),
            a.REQUEST_STREAM: True if asked.get("stream") is True else None,
            **{name: _double(asked.get(key)) for key, name in _NUMBERS.items()},
        }
        content: dict[str, Json] = {
            a.INPUT_MESSAGES: [message(item) for item in mappings(asked.get("messages"))]
        }
        if items(asked.get("tools")):
            content[a.TOOL_DEFINITIONS] = asked["tools"]
        return Half(_present(found), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        choices = mappings(answer.get("choices"))
        reasons = [text(choice.get("finish_reason")) for choice in choices]
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("model")) or None,
            a.RESPONSE_ID: text(answer.get("id")) or None,
            a.RESPONSE_FINISH_REASONS: [reason for reason in reasons if reason] or None,
            **_usage(mapping(answer.get("usage"))),
        }
        return Half(_present(found), {a.OUTPUT_MESSAGES: [finished(choice) for choice in choices]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        choices: dict[int, dict[str, Any]] = {}
        for event in map(mapping, events):
            answer.update({key: event[key] for key in ("id", "model", "usage") if event.get(key)})
            for choice in mappings(event.get("choices")):
                _merge(choices.setdefault(integer(choice.get("index")) or 0, {"message": {}}), choice)
        return {**answer, "choices": [choices[index] for index in sorted(choices)]}


def _merge(choice: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add one streamed piece to its choice."""
    if piece.get("finish_reason"):
        choice["finish_reason"] = piece["finish_reason"]
    whole, delta = choice["message"], mapping(piece.get("delta"))
    whole["role"] = whole.get("role") or delta.get("role") or "assistant"
    for key in ("content", "refusal", "reasoning_content"):
        if text(delta.get(key)):
            whole[key] = whole.get(key, "") + delta[key]
    for call in mappings(delta.get("tool_calls")):
        _merge_call(whole.setdefault("tool_calls", []), call)


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


def _usage(usage: dict[str, Any]) -> dict[str, AttributeValue | None]:
    prompt = mapping(usage.get("prompt_tokens_details"))
    completion = mapping(usage.get("completion_tokens_details"))
    return {
        a.USAGE_INPUT_TOKENS: integer(usage.get("prompt_tokens")),
        a.USAGE_OUTPUT_TOKENS: integer(usage.get("completion_tokens")),
        a.USAGE_CACHE_READ_TOKENS: integer(prompt.get("cached_tokens")),
        a.USAGE_CACHE_WRITE_TOKENS: integer(prompt.get("cache_write_tokens")),
        a.USAGE_REASONING_TOKENS: integer(completion.get("reasoning_tokens")),
    }


def _stop(value: Json) -> list[str] | None:
    return [value] if isinstance(value, str) else [text(item) for item in items(value)] or None


def _double(value: Json) -> float | None:
    # The convention has doubles; JSON's 0 arrives as an int and would get a column type of its own.
    found = number(value)
    return None if found is None else float(found)


def _unless_one(count: int | None) -> int | None:
    return None if count == 1 else count


def _present(found: dict[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {name: value for name, value in found.items() if value is not None}
