"""The items of OpenAI's Responses API as messages of the GenAI conventions."""

from __future__ import annotations

from typing import Any

from evalspan.capture.formats.openai_parts import Part, link
from evalspan.capture.shape import mapping, mappings, parsed, text
from evalspan.model import Json


def instructions(value: str) -> list[Part]:
    """The system instructions of a request."""
    return [{"type": "text", "content": value}]


def messages(value: Json) -> list[Json]:
    """The input of a request: a text, or a list of items."""
    if isinstance(value, str):
        return [{"role": "user", "parts": [{"type": "text", "content": value}]}]
    return [_message(item) for item in mappings(value)]


def output(items: list[dict[str, Any]], ended: str) -> dict[str, Json]:
    """All items of an answer, which are one message of the model."""
    parts = [part for item in items for part in _parts(item)]
    return {"role": "assistant", "parts": parts, "finish_reason": ended}


def _message(item: dict[str, Any]) -> dict[str, Json]:
    kind = text(item.get("type"))
    answered = kind.endswith("_call_output")
    role = "tool" if answered else text(item.get("role")) or "assistant"
    return {"role": role, "parts": _parts(item)}


def _parts(item: dict[str, Any]) -> list[Part]:
    kind = text(item.get("type"))
    if kind == "reasoning":
        texts = [*mappings(item.get("summary")), *mappings(item.get("content"))]
        return [{"type": "reasoning", "content": text(piece.get("text"))} for piece in texts]
    if kind in ("function_call", "custom_tool_call"):
        return [_tool_call(item)]
    if kind in ("function_call_output", "custom_tool_call_output"):
        return [
            {"type": "tool_call_response", "id": text(item.get("call_id")), "response": item.get("output")}
        ]
    if kind.endswith("_call"):  # web_search_call, code_interpreter_call: run by the provider
        return [{"type": "server_tool_call", "name": kind.removesuffix("_call"), "server_tool_call": item}]
    content = item.get("content")
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    # A kind that we do not know is kept as it came.
    return [_piece(piece) for piece in mappings(content)] if "content" in item else [item]


def _tool_call(item: dict[str, Any]) -> Part:
    return {
        "type": "tool_call",
        "id": text(item.get("call_id")),
        "name": text(item.get("name")),
        "arguments": parsed(item.get("arguments", item.get("input"))),
    }


def _piece(piece: dict[str, Any]) -> Part:
    kind = piece.get("type")
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "content": text(piece.get("text"))}
    if kind == "input_image" and text(piece.get("image_url")):
        return link(piece["image_url"])
    if kind in ("input_image", "input_file") and text(piece.get("file_id")):
        return {"type": "file", "file_id": piece["file_id"]}
    if kind == "refusal":
        return {"type": "refusal", "content": text(piece.get("refusal"))}
    return mapping(piece)
