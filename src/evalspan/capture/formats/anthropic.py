"""Anthropic's messages.

https://docs.anthropic.com/en/api/messages. Its `input_tokens` leave cached tokens out; ours include
them, as the conventions want it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.anthropic_parts import message, parts
from evalspan.capture.formats.base import Half
from evalspan.capture.shape import (
    double,
    failure,
    integer,
    items,
    mapping,
    mappings,
    parsed,
    present,
    strings,
    text,
    total,
)
from evalspan.model import Json

# On Vertex AI the model stands in the path.
_PATH = re.compile(r"(?:^|/)v1/messages$|/publishers/anthropic/models/([^/:]+):(?:streamR|r)awPredict$")
_GROWING = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class AnthropicMessages:
    """`POST .../v1/messages`, and `:rawPredict` on Vertex AI."""

    path = _PATH
    operation = "chat"
    provider = "anthropic"

    def request(self, body: Json, path: str) -> Half | None:
        asked, match = mapping(body), _PATH.search(path.rstrip("/"))
        model = text(asked.get("model")) or (match[1] if match else None)
        if not model or not isinstance(asked.get("messages"), list):
            return None
        found: dict[str, AttributeValue | None] = {
            a.REQUEST_MODEL: model,
            a.REQUEST_MAX_TOKENS: integer(asked.get("max_tokens")),
            a.REQUEST_TEMPERATURE: double(asked.get("temperature")),
            a.REQUEST_TOP_P: double(asked.get("top_p")),
            a.REQUEST_TOP_K: integer(asked.get("top_k")),
            a.REQUEST_STOP_SEQUENCES: strings(asked.get("stop_sequences")),
            a.REQUEST_STREAM: True if asked.get("stream") is True else None,
            a.REQUEST_REASONING_LEVEL: text(mapping(asked.get("output_config")).get("effort")) or None,
        }
        content: dict[str, Json] = {a.INPUT_MESSAGES: [message(item) for item in mappings(asked["messages"])]}
        if asked.get("system"):
            content[a.SYSTEM_INSTRUCTIONS] = parts(asked["system"])
        if items(asked.get("tools")):
            content[a.TOOL_DEFINITIONS] = asked["tools"]
        return Half(present(found), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        reason = text(answer.get("stop_reason"))
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("model")) or None,
            a.RESPONSE_ID: text(answer.get("id")) or None,
            a.RESPONSE_FINISH_REASONS: [reason] if reason else None,
            a.ERROR_TYPE: failure(answer),
            **_usage(mapping(answer.get("usage"))),
        }
        said: dict[str, Json] = {**message({"role": "assistant", **answer}), "finish_reason": reason}
        return Half(present(found), {a.OUTPUT_MESSAGES: [said]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        usage: dict[str, Any] = {}
        blocks: dict[int, dict[str, Any]] = {}
        for event in map(mapping, events):
            kind, index = event.get("type"), integer(event.get("index")) or 0
            if kind == "message_start":
                answer.update(mapping(event.get("message")))
                usage.update(mapping(answer.get("usage")))
            elif kind == "content_block_start":
                blocks[index] = dict(mapping(event.get("content_block")))
            elif kind == "content_block_delta":
                _grow(blocks.setdefault(index, {}), mapping(event.get("delta")))
            elif kind == "message_delta":
                answer.update(mapping(event.get("delta")))
                # Cumulative; what it leaves out or sends as null stands as it was at the start.
                usage.update({k: v for k, v in mapping(event.get("usage")).items() if v is not None})
            elif kind == "error":
                answer["error"] = event.get("error") or event
        return {**answer, "usage": usage, "content": [_closed(blocks[index]) for index in sorted(blocks)]}


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    key = _GROWING.get(text(delta.get("type")))
    if key:
        block[key] = block.get(key, "") + text(delta.get(key))


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    """The block with the arguments that were streamed as pieces of JSON."""
    written = block.pop("partial_json", "")
    return {**block, "input": parsed(written)} if written else block


def _usage(usage: dict[str, Any]) -> dict[str, AttributeValue | None]:
    fresh = integer(usage.get("input_tokens"))
    read = integer(usage.get("cache_read_input_tokens"))
    written = integer(usage.get("cache_creation_input_tokens"))
    return {
        a.USAGE_INPUT_TOKENS: None if fresh is None else total(fresh, read, written),
        a.USAGE_OUTPUT_TOKENS: integer(usage.get("output_tokens")),
        a.USAGE_CACHE_READ_TOKENS: read,
        a.USAGE_CACHE_WRITE_TOKENS: written,
        a.USAGE_REASONING_TOKENS: integer(mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
    }


FORMATS = (AnthropicMessages(),)
