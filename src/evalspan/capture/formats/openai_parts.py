"""Chat messages as the GenAI conventions have them: a role and a list of typed parts."""

from __future__ import annotations

from typing import Any

from evalspan.capture.shape import mapping, mappings, parsed, text
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


def output_type(wanted: dict[str, Any]) -> str | None:
    """`gen_ai.output.type` of a wanted format: a JSON schema is JSON."""
    kind = text(wanted.get("type"))
    return "json" if kind.startswith("json") else kind or None


def _parts(item: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    thought = text(item.get("reasoning_content")) or text(item.get("reasoning"))
    if thought:
        parts.append({"type": "reasoning", "content": thought})
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
    if kind == "thinking":  # Mistral
        thoughts = mappings(piece.get("thinking"))
        return {"type": "reasoning", "content": "".join(text(item.get("text")) for item in thoughts)}
    if kind == "image_url":  # an object at OpenAI, at Mistral a text as well
        image = piece.get("image_url")
        return link(text(image) or text(mapping(image).get("url")))
    if kind == "input_audio":
        audio = mapping(piece.get("input_audio"))
        return blob("audio", f"audio/{text(audio.get('format'))}", text(audio.get("data")))
    if kind == "file" and text(mapping(piece.get("file")).get("file_id")):
        return {"type": "file", "file_id": piece["file"]["file_id"]}
    return piece


def link(url: str) -> Part:
    """An image by its address; one that is inside the address becomes a blob."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return blob("image", head.removeprefix("data:").removesuffix(";base64"), data)
    return {"type": "uri", "modality": "image", "uri": url}


def blob(modality: str, mime_type: str, data: str) -> Part:
    """Data in base64."""
    return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data}


def _tool_call(call: dict[str, Any]) -> Part:
    function = mapping(call.get("function"))
    part: Part = {"type": "tool_call", "name": text(function.get("name"))}
    part["arguments"] = parsed(function.get("arguments"))
    if call.get("id"):
        part["id"] = call["id"]
    return part
