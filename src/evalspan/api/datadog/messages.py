"""Chat messages of ddtrace as those of the GenAI conventions: a role and typed parts."""

from __future__ import annotations

from typing import Any, cast

from evalspan.model import Json


def messages(given: Json) -> Json:
    """The messages, or what was given where it is no list of objects."""
    items = cast("list[Any]", given)
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in items):
        return items
    return [_message(item) for item in items]


def _message(given: dict[str, Json]) -> Json:
    parts: list[Json] = []
    if given.get("content"):
        parts.append({"type": "text", "content": given["content"]})
    for call in given.get("tool_calls") or ():
        parts.append(
            {
                "type": "tool_call",
                "id": call.get("tool_id"),
                "name": call.get("name"),
                "arguments": call.get("arguments"),
            }
        )
    for result in given.get("tool_results") or ():
        parts.append(
            {"type": "tool_call_response", "id": result.get("tool_id"), "response": result.get("result")}
        )
    return {"role": given.get("role") or "", "parts": parts}
