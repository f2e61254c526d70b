"""OpenAI's Responses API.

https://platform.openai.com/docs/api-reference/responses. The format has no finish reason; the status
of the response, or what made it incomplete, stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_items import instructions, messages, output
from evalspan.capture.formats.openai_parts import output_type
from evalspan.capture.formats.openai_usage import charged
from evalspan.capture.shape import double, failure, integer, items, mapping, mappings, present, text
from evalspan.model import Json

_ENDED = ("completed", "incomplete", "failed", "cancelled")


class OpenAIResponses:
    """`POST .../responses`."""

    path = re.compile(r"/responses$")
    operation = "chat"
    provider = "openai"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if "input" not in asked and not mapping(asked.get("prompt")):
            return None
        found: dict[str, AttributeValue | None] = {
            a.REQUEST_MODEL: text(asked.get("model")) or None,
            a.REQUEST_MAX_TOKENS: integer(asked.get("max_output_tokens")),
            a.REQUEST_TEMPERATURE: double(asked.get("temperature")),
            a.REQUEST_TOP_P: double(asked.get("top_p")),
            a.REQUEST_STREAM: True if asked.get("stream") is True else None,
            a.REQUEST_REASONING_LEVEL: text(mapping(asked.get("reasoning")).get("effort")) or None,
            a.REQUEST_PREVIOUS_RESPONSE_ID: text(asked.get("previous_response_id")) or None,
            a.CONVERSATION_ID: _conversation(asked.get("conversation")),
            a.OUTPUT_TYPE: output_type(mapping(mapping(asked.get("text")).get("format"))),
        }
        content: dict[str, Json] = {a.INPUT_MESSAGES: messages(asked.get("input"))}
        if text(asked.get("instructions")):
            content[a.SYSTEM_INSTRUCTIONS] = instructions(asked["instructions"])
        if items(asked.get("tools")):
            content[a.TOOL_DEFINITIONS] = asked["tools"]
        return Half(present(found), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        ended = _end(answer)
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("model")) or None,
            a.RESPONSE_ID: text(answer.get("id")) or None,
            a.RESPONSE_FINISH_REASONS: [ended] if ended else None,
            a.CONVERSATION_ID: _conversation(answer.get("conversation")),
            a.ERROR_TYPE: failure(answer),
            **_usage(mapping(answer.get("usage"))),
        }
        return Half(present(found), {a.OUTPUT_MESSAGES: [output(mappings(answer.get("output")), ended)]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        done: dict[int, dict[str, Any]] = {}
        for event in map(mapping, events):
            answer.update(mapping(event.get("response")))
            index = integer(event.get("output_index"))
            if event.get("type") == "error":
                answer["error"] = mapping(event.get("error")) or event
            elif index is not None and mapping(event.get("item")):
                done[index] = event["item"]
            elif index is not None:
                _grow(done.setdefault(index, {}), event)
        # The last event repeats the whole output; a stream broken off has none but its pieces.
        return {**answer, "output": answer.get("output") or [done[index] for index in sorted(done)]}


def _grow(item: dict[str, Any], event: dict[str, Any]) -> None:
    """Add a piece of text or of arguments to an item that is not done."""
    kind, delta = text(event.get("type")), text(event.get("delta"))
    if kind == "response.output_text.delta":
        blocks: list[dict[str, Any]] = item.setdefault("content", [])
        if not blocks:
            blocks.append({"type": "output_text", "text": ""})
        blocks[-1]["text"] += delta
    elif kind == "response.function_call_arguments.delta":
        item["arguments"] = item.get("arguments", "") + delta


def _end(answer: dict[str, Any]) -> str:
    status = text(answer.get("status"))
    reason = text(mapping(answer.get("incomplete_details")).get("reason"))
    return reason or (status if status in _ENDED else "")


def _usage(usage: dict[str, Any]) -> dict[str, AttributeValue | None]:
    given, made = mapping(usage.get("input_tokens_details")), mapping(usage.get("output_tokens_details"))
    return {
        a.USAGE_INPUT_TOKENS: integer(usage.get("input_tokens")),
        a.USAGE_OUTPUT_TOKENS: integer(usage.get("output_tokens")),
        a.USAGE_CACHE_READ_TOKENS: integer(given.get("cached_tokens")),
        a.USAGE_CACHE_WRITE_TOKENS: integer(given.get("cache_write_tokens")),
        a.USAGE_REASONING_TOKENS: integer(made.get("reasoning_tokens")),
        a.USAGE_COST: charged(usage),
    }


def _conversation(value: Json) -> str | None:
    return text(value) or text(mapping(value).get("id")) or None


FORMATS = (OpenAIResponses(),)
