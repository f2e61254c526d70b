"""Cohere's chat, version 2.

https://docs.cohere.com/reference/chat. Counts come as 12.0. `usage.tokens` is what the model read and
wrote; `billed_units` leaves out what is free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_parts import finished, message, output_type
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
)
from evalspan.model import Json

_NUMBERS = {
    "temperature": a.REQUEST_TEMPERATURE,
    "p": a.REQUEST_TOP_P,
    "frequency_penalty": a.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": a.REQUEST_PRESENCE_PENALTY,
}
_COUNTS = {"max_tokens": a.REQUEST_MAX_TOKENS, "k": a.REQUEST_TOP_K, "seed": a.REQUEST_SEED}


class CohereChat:
    """`POST .../v2/chat`."""

    path = re.compile(r"/v2/chat$")
    operation = "chat"
    provider = "cohere"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("model")) or not isinstance(asked.get("messages"), list):
            return None
        found: dict[str, AttributeValue | None] = {
            a.REQUEST_MODEL: asked["model"],
            a.REQUEST_STOP_SEQUENCES: strings(asked.get("stop_sequences")),
            a.REQUEST_STREAM: True if asked.get("stream") is True else None,
            a.OUTPUT_TYPE: output_type(mapping(asked.get("response_format"))),
            **{name: double(asked.get(key)) for key, name in _NUMBERS.items()},
            **{name: integer(asked.get(key)) for key, name in _COUNTS.items()},
        }
        content: dict[str, Json] = {
            a.INPUT_MESSAGES: [message(_plain(item)) for item in mappings(asked["messages"])]
        }
        if items(asked.get("tools")):
            content[a.TOOL_DEFINITIONS] = asked["tools"]
        return Half(present(found), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        reason = text(answer.get("finish_reason"))
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_ID: text(answer.get("id")) or None,  # the model is not said
            a.RESPONSE_FINISH_REASONS: [reason] if reason else None,
            a.ERROR_TYPE: failure(answer) or ("_OTHER" if reason == "ERROR" else None),
            **_usage(mapping(answer.get("usage"))),
        }
        said = finished({"message": _plain(mapping(answer.get("message"))), "finish_reason": reason})
        return Half(present(found), {a.OUTPUT_MESSAGES: [said]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        blocks: dict[int, dict[str, Any]] = {}
        calls: dict[int, dict[str, Any]] = {}
        plan = ""
        for event in map(mapping, events):
            kind, index = text(event.get("type")), integer(event.get("index")) or 0
            delta = mapping(event.get("delta"))
            said = mapping(delta.get("message"))
            if kind == "message-start":
                answer["id"] = event.get("id")
            elif kind in ("content-start", "content-delta"):
                _grow(blocks.setdefault(index, {}), mapping(said.get("content")))
            elif kind in ("tool-call-start", "tool-call-delta"):
                _grow(calls.setdefault(index, {"function": {}}), mapping(said.get("tool_calls")))
            elif kind == "tool-plan-delta":
                plan += text(said.get("tool_plan"))
            elif kind == "message-end":
                answer.update(delta)
        made = {"role": "assistant", "content": _in_order(blocks), "tool_calls": _in_order(calls)}
        return {**answer, "message": {**made, "tool_plan": plan}}


def _grow(whole: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add a streamed piece: text and arguments go on, everything else is said once."""
    for key, value in piece.items():
        if key in ("text", "thinking", "arguments"):
            whole[key] = text(whole.get(key)) + text(value)
        elif isinstance(value, dict):
            _grow(whole.setdefault(key, {}), mapping(value))
        else:
            whole[key] = value


def _in_order(pieces: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [pieces[index] for index in sorted(pieces)]


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """The message in OpenAI's shape: what was thought, and the plan for the tools, as reasoning."""
    blocks = mappings(item.get("content"))
    thoughts = [text(block.get("thinking")) for block in blocks if block.get("type") == "thinking"]
    thought = "".join([text(item.get("tool_plan")), *thoughts])
    content = item.get("content")
    if blocks:
        content = [block for block in blocks if block.get("type") != "thinking"]
    return {**item, "content": content, **({"reasoning": thought} if thought else {})}


def _usage(usage: dict[str, Any]) -> dict[str, AttributeValue | None]:
    tokens = mapping(usage.get("tokens"))
    return {
        a.USAGE_INPUT_TOKENS: count(tokens.get("input_tokens")),
        a.USAGE_OUTPUT_TOKENS: count(tokens.get("output_tokens")),
        a.USAGE_CACHE_READ_TOKENS: count(usage.get("cached_tokens")),
    }


FORMATS = (CohereChat(),)
