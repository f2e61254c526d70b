"""Chat messages as the GenAI conventions have them: a role and a list of typed parts."""

from __future__ import annotations

import json
from typing import Any

from evalspan.capture.shape import mapping, mappings, text
from evalspan.model import Json

Part = dict[str, Json]


def message(item: dict[str, Any]) -> dict[str, Json]:
    """One message of a request."""
    role = text(item.get("role")) or "user"
    named = {"name": item["name"]} if text(item.get("name")) else {}
    if role in ("tool", "function"):
        answered: Part = {"type": "tool_call_response", "response": item.get("content")}
        if item.get("tool_call_id"):
            answered["id"] = item["tool_call_id"]
        return {"role": "tool", "parts": [answered], **named}
    return {"role": role, "parts": _parts(item), **named}


def finished(choice: dict[str, Any]) -> dict[str, Json]:
    """One choice of an answer."""
    item = mapping(choice.get("message"))
    return {
        "role": text(item.get("role")) or "assistant",
        "parts": _parts(item),
        "finish_reason": text(choice.get("finish_reason")),
    }


def _parts(item: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    if text(item.get("reasoning_content")):
        parts.append({"type": "reasoning", "content": item["reasoning_content"]})
    content = item.get("content")
    if isinstance(content, str):
        parts.append({"type": "text", "content": content})
    parts += [_part(piece) for piece in mappings(content)]
    if text(item.get("refusal")):
        parts.append({"type": "refusal", "content": item["refusal"]})
    parts += [_tool_call(call) for call in mappings(item.get("tool_calls"))]
    if mapping(item.get("function_call")):
        parts.append(_tool_call({"function": item["function_call"]}))
    return parts


def _part(piece: dict[str, Any]) -> Part:
    """One piece of a message's content; a kind that we do not know is kept as it came."""
    kind = piece.get("type")
    if kind == "text":
        return {"type": "text", "content": text(piece.get("text"))}
    if kind == "image_url":
        return _link(text(mapping(piece.get("image_url")).get("url")))
    if kind == "input_audio":
        audio = mapping(piece.get("input_audio"))
        return _blob("audio", f"audio/{text(audio.get('format'))}", text(audio.get("data")))
    if kind == "file" and text(mapping(piece.get("file")).get("file_id")):
        return {"type": "file", "file_id": piece["file"]["file_id"]}
    return piece


def _link(url: str) -> Part:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return _blob("image", head.removeprefix("data:").removesuffix(";base64"), data)
    return {"type": "uri", "modality": "image", "uri": url}


def _blob(modality: str, mime_type: str, data: str) -> Part:
    return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data}


def _tool_call(call: dict[str, Any]) -> Part:
    function = mapping(call.get("function"))
    part: Part = {"type": "tool_call", "name": text(function.get("name"))}
    part["arguments"] = _arguments(function.get("arguments"))
    if call.get("id"):
        part["id"] = call["id"]
    return part


def _arguments(value: Json) -> Json:
    """Arguments travel as JSON text; what a model wrote that is not JSON stays text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
