"""Chat messages of ddtrace as those of the GenAI conventions: a role and typed parts."""

from __future__ import annotations

from typing import Any, cast

from evalspan.model import Json


def messages(given: Json) -> Json:
    """The messages, or what was given where it is no list of such objects."""
    items = cast("list[Any]", given)
    if not isinstance(given, list) or not all(map(_is_message, items)):
        return items
    return [_message(item) for item in items]


def _is_message(item: Any) -> bool:
    return isinstance(item, dict) and all(_is_list(item.get(name)) for name in ("tool_calls", "tool_results"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] (JSON)


def _is_list(items: Any) -> bool:
    """Whether it is a list of objects, or nothing."""
    return items is None or (isinstance(items, list) and all(isinstance(item, dict) for item in items))  # pyright: ignore[reportUnknownVariableType] (JSON)


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
