"""Anthropic's messages: https://docs.anthropic.com/en/api/messages.

Prompts are written with OpenAI's words, which are translated here. What that wire has no word for is refused,
unless it asks for what happens anyway (`frequency_penalty` 0).
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from evalspan.errors import UsageError
from evalspan.jobs.providers import Provider
from evalspan.jobs.wire import Reply, Usage, Wire, mapping, whole
from evalspan.model import Json

_VERSION: Final = "2023-06-01"
_SAME: Final = frozenset({"max_tokens", "thinking"})
_NOTHING: Final[dict[str, Json]] = {
    "frequency_penalty": 0, "presence_penalty": 0, "n": 1, "top_p": 1, "temperature": 1,
}  # fmt: skip
_CHOICES: Final = {"auto": {"type": "auto"}, "required": {"type": "any"}, "none": {"type": "none"}}


class AnthropicWire(Wire):
    provider = "anthropic"

    def url(self, provider: Provider) -> str:
        base = provider.base_url.rstrip("/")
        return f"{base}/messages" if base.endswith("/v1") else f"{base}/v1/messages"

    def headers(self, key: str) -> dict[str, str]:
        return {"anthropic-version": _VERSION, **({"x-api-key": key} if key else {})}

    def body(
        self, provider: Provider, model: str, messages: list[dict[str, Json]], parameters: dict[str, Json]
    ) -> dict[str, Any]:
        system = [
            _text(each.get("content")) for each in messages if each.get("role") in ("system", "developer")
        ]
        body: dict[str, Any] = {
            "model": model,
            "max_tokens": provider.max_tokens,
            "messages": [
                _message(each) for each in messages if each.get("role") not in ("system", "developer")
            ],
        }
        if system:
            body["system"] = "\n\n".join(system)
        for name, value in parameters.items():
            if name not in _NOTHING or value != _NOTHING[name]:
                body.update(_parameter(name, value))
        return body

    def reply(self, answer: dict[str, Any]) -> Reply:
        content = answer.get("content")
        if not isinstance(content, list):
            raise ValueError("the answer has no content")
        blocks = [mapping(block) for block in cast("list[Any]", content)]
        message: dict[str, Json] = {
            "role": "assistant",
            "content": "".join(
                str(block.get("text") or "") for block in blocks if block.get("type") == "text"
            ),
        }
        calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
        if calls:
            message["tool_calls"] = calls
        return Reply(message, str(answer.get("model") or ""), _usage(mapping(answer.get("usage"))))


def _parameter(name: str, value: Json) -> dict[str, Any]:
    if name in _SAME:
        return {name: value}
    match name:
        case "temperature" | "top_p":
            return {name: value}
        case "stop":
            return {"stop_sequences": [value] if isinstance(value, str) else value}
        case "tools":
            return {"tools": [_tool(mapping(each)) for each in cast("list[Any]", value)]}
        case "tool_choice":
            named = mapping(mapping(value).get("function")).get("name")
            return {"tool_choice": {"type": "tool", "name": named} if named else _choice(value)}
        case "response_format" if mapping(value).get("type") == "text":
            return {}
        case "response_format" if mapping(value).get("type") == "json_schema":
            schema = mapping(mapping(value).get("json_schema")).get("schema")
            return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
        case _:
            raise UsageError(f"Anthropic's messages have no {name!r} (here {value!r:.80}).")


def _choice(value: Json) -> Json:
    if isinstance(value, str) and value in _CHOICES:
        return _CHOICES[value]
    raise UsageError(f"tool_choice={value!r:.80} cannot be said to Anthropic.")


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = mapping(tool.get("function"))
    if not function:
        return tool
    found = {"name": function.get("name"), "input_schema": function.get("parameters") or {"type": "object"}}
    return {**found, **({"description": function["description"]} if function.get("description") else {})}


def _message(message: dict[str, Json]) -> dict[str, Any]:
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        result = {
            "type": "tool_result",
            "tool_use_id": message.get("tool_call_id"),
            "content": _text(content),
        }
        return {"role": "user", "content": [result]}
    calls = message.get("tool_calls")
    if role == "assistant" and isinstance(calls, list) and calls:
        blocks: list[Json] = [{"type": "text", "text": _text(content)}] if _text(content) else []
        return {"role": role, "content": [*blocks, *map(_use, cast("list[Any]", calls))]}
    return (
        {"role": role, "content": [_part(mapping(part)) for part in cast("list[Any]", content)]}
        if isinstance(content, list)
        else {"role": role, "content": _text(content)}
    )


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") != "image_url":
        return part
    url = str(mapping(part.get("image_url")).get("url") or "")
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    head, _, data = url.partition(",")
    kind = head.removeprefix("data:").partition(";")[0]
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _use(call: Any) -> dict[str, Any]:
    function = mapping(mapping(call).get("function"))
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (ValueError, TypeError):
        arguments = {"arguments": function.get("arguments")}
    return {
        "type": "tool_use",
        "id": mapping(call).get("id"),
        "name": function.get("name"),
        "input": arguments,
    }


def _call(block: dict[str, Any]) -> dict[str, Json]:
    function = {"name": block.get("name"), "arguments": json.dumps(block.get("input") or {})}
    return {"id": block.get("id"), "type": "function", "function": function}


def _text(content: Json) -> str:
    if isinstance(content, list):
        return "".join(str(mapping(part).get("text") or "") for part in cast("list[Any]", content))
    return "" if content is None else str(content)


def _usage(usage: dict[str, Any]) -> Usage | None:
    fresh, output = whole(usage.get("input_tokens")), whole(usage.get("output_tokens"))
    if fresh is None or output is None:
        return None
    read = whole(usage.get("cache_read_input_tokens")) or 0
    written = whole(usage.get("cache_creation_input_tokens")) or 0
    return Usage(fresh + read + written, output, read, written)
