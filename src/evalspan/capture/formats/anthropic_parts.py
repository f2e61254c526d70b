"""Anthropic's content blocks as parts of the GenAI conventions."""

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


def parts(content: Json) -> list[Part]:
    """A text, or the blocks of a list."""
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    return [_part(block) for block in mappings(content)]


def _part(block: dict[str, Any]) -> Part:
    kind = text(block.get("type"))
    if kind == "text":
        return {"type": "text", "content": text(block.get("text"))}
    if kind == "thinking":
        return {"type": "reasoning", "content": text(block.get("thinking"))}
    if kind == "tool_use":
        return {"type": "tool_call", **_called(block), "arguments": block.get("input")}
    if kind == "tool_result":
        return _result("tool_call_response", "response", block)
    if kind == "server_tool_use":
        return {"type": "server_tool_call", **_called(block), "server_tool_call": block.get("input")}
    if kind.endswith("_tool_result"):
        return _result("server_tool_call_response", "server_tool_call_response", block)
    if kind in ("image", "document"):
        return _source(kind, mapping(block.get("source"))) or block
    return block


def _called(block: dict[str, Any]) -> Part:
    return {"id": text(block.get("id")), "name": text(block.get("name"))}


def _result(kind: str, key: str, block: dict[str, Any]) -> Part:
    return {"type": kind, "id": text(block.get("tool_use_id")), key: block.get("content")}


def _source(modality: str, source: dict[str, Any]) -> Part | None:
    kind = source.get("type")
    if kind == "base64":
        return blob(modality, text(source.get("media_type")), text(source.get("data")))
    if kind == "url":
        return {"type": "uri", "modality": modality, "uri": text(source.get("url"))}
    if kind == "file":
        return {"type": "file", "modality": modality, "file_id": text(source.get("file_id"))}
    return None
