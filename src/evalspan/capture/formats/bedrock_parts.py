"""Bedrock's content blocks as parts of the GenAI conventions. A block is named by its only key."""

from __future__ import annotations

from typing import Any

from evalspan.capture.formats.openai_parts import Part, blob
from evalspan.capture.shape import mapping, mappings, text
from evalspan.model import Json


def message(item: dict[str, Any]) -> dict[str, Json]:
    """One message; one that only brings results of tools is the tool's."""
    made = parts(item.get("content"))
    only_results = bool(made) and all(part.get("type") == "tool_call_response" for part in made)
    return {"role": "tool" if only_results else text(item.get("role")) or "user", "parts": made}


def parts(blocks: Json) -> list[Part]:
    """The blocks of a list."""
    return [_part(block) for block in mappings(blocks)]


def _part(block: dict[str, Any]) -> Part:
    if "toolUse" in block:
        used = mapping(block["toolUse"])
        called = {"id": text(used.get("toolUseId")), "name": text(used.get("name"))}
        return {"type": "tool_call", **called, "arguments": used.get("input")}
    if "toolResult" in block:
        result = mapping(block["toolResult"])
        return {
            "type": "tool_call_response",
            "id": text(result.get("toolUseId")),
            "response": result.get("content"),
        }
    if "reasoningContent" in block:
        thought = mapping(mapping(block["reasoningContent"]).get("reasoningText"))
        return {"type": "reasoning", "content": text(thought.get("text"))}
    if "image" in block:
        image = mapping(block["image"])
        return blob(
            "image", f"image/{text(image.get('format'))}", text(mapping(image.get("source")).get("bytes"))
        )
    if "text" in block:
        return {"type": "text", "content": text(block["text"])}
    return block
