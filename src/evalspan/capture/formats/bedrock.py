"""Amazon Bedrock's Converse, for all of its models.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. Cached tokens are counted
beside the input (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html); OpenAI's
models there were seen to count them inside as well, so what such a call read is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.bedrock_parts import message, parts
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

_MODEL = re.compile(r"/model/(.+)/(?:converse|invoke)[^/]*$")


def model_of(path: str) -> str:
    """The model in a path. The ARN of a foundation model or of a region's profile ends in its id; that of
    a profile of the user's own does not, and stays whole.
    """
    found = _MODEL.search(path.rstrip("/"))
    name = found[1] if found else ""
    return name.rpartition("/")[2] if re.search(r":(foundation-model|inference-profile)/", name) else name


class BedrockConverse:
    """`POST .../model/{model}/converse` and `/converse-stream`."""

    path = re.compile(r"/model/.+/converse(?:-stream)?$")
    operation = "chat"
    provider = "aws.bedrock"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not isinstance(asked.get("messages"), list):
            return None
        config = mapping(asked.get("inferenceConfig"))
        found: dict[str, AttributeValue | None] = {
            a.REQUEST_MODEL: model_of(path),
            a.REQUEST_MAX_TOKENS: integer(config.get("maxTokens")),
            a.REQUEST_TEMPERATURE: double(config.get("temperature")),
            a.REQUEST_TOP_P: double(config.get("topP")),
            a.REQUEST_STOP_SEQUENCES: strings(config.get("stopSequences")),
            a.REQUEST_STREAM: True if path.rstrip("/").endswith("-stream") else None,
        }
        content: dict[str, Json] = {a.INPUT_MESSAGES: [message(item) for item in mappings(asked["messages"])]}
        if items(asked.get("system")):
            content[a.SYSTEM_INSTRUCTIONS] = parts(asked["system"])
        tools = items(mapping(asked.get("toolConfig")).get("tools"))
        if tools:
            content[a.TOOL_DEFINITIONS] = tools
        return Half(present(found), content)

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        reason = text(answer.get("stopReason"))
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_FINISH_REASONS: [reason] if reason else None,
            a.ERROR_TYPE: failure(answer),
            **_usage(mapping(answer.get("usage"))),
        }
        said = message({"role": "assistant", **mapping(mapping(answer.get("output")).get("message"))})
        return Half(present(found), {a.OUTPUT_MESSAGES: [{**said, "finish_reason": reason}]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        blocks: dict[int, dict[str, Any]] = {}
        for kind, event in (pair for found in events for pair in mapping(found).items()):
            said = mapping(event)
            index = integer(said.get("contentBlockIndex")) or 0
            if kind == "contentBlockStart":
                blocks.setdefault(index, {}).update(mapping(said.get("start")))
            elif kind == "contentBlockDelta":
                _grow(blocks.setdefault(index, {}), mapping(said.get("delta")))
            elif kind in ("messageStop", "metadata"):
                answer.update(said)
            elif kind == "error":
                answer["error"] = said
        content = [_closed(blocks[index]) for index in sorted(blocks)]
        return {**answer, "output": {"message": {"role": "assistant", "content": content}}}


class BedrockConverseOfOpenAI(BedrockConverse):
    """The same with a model of OpenAI's."""

    path = re.compile(r"/model/(?:[^/]+/)*[^/]*\bopenai\.[^/]+/converse(?:-stream)?$")

    def response(self, body: Json) -> Half:
        half = super().response(body)
        if half.attributes.get(a.USAGE_CACHE_READ_TOKENS) or half.attributes.get(a.USAGE_CACHE_WRITE_TOKENS):
            half.attributes.pop(a.USAGE_INPUT_TOKENS, None)
        return half


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if text(delta.get("text")):
        block["text"] = text(block.get("text")) + delta["text"]
    tool = mapping(delta.get("toolUse"))
    if tool:
        block.setdefault("toolUse", {}).setdefault("input", "")
        block["toolUse"]["input"] += text(tool.get("input"))
    thought = mapping(delta.get("reasoningContent"))
    if text(thought.get("text")):
        reasoning = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        reasoning["text"] += thought["text"]


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    """The block with the arguments that were streamed as pieces of JSON."""
    tool = mapping(block.get("toolUse"))
    return {**block, "toolUse": {**tool, "input": parsed(tool.get("input"))}} if tool else block


def _usage(usage: dict[str, Any]) -> dict[str, AttributeValue | None]:
    fresh = integer(usage.get("inputTokens"))
    read = integer(usage.get("cacheReadInputTokens"))
    written = integer(usage.get("cacheWriteInputTokens"))
    return {
        a.USAGE_INPUT_TOKENS: None if fresh is None else total(fresh, read, written),
        a.USAGE_OUTPUT_TOKENS: integer(usage.get("outputTokens")),
        a.USAGE_CACHE_READ_TOKENS: read,
        a.USAGE_CACHE_WRITE_TOKENS: written,
    }


FORMATS = (BedrockConverseOfOpenAI(), BedrockConverse())
