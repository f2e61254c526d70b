"""Google's contents as messages of the GenAI conventions.

Google takes each field in camelCase and in snake_case; examples in the wild have both.
"""

from __future__ import annotations

import re
from typing import Any

from evalspan.capture.formats.openai_parts import Part, blob
from evalspan.capture.shape import mapping, mappings, text
from evalspan.model import Json

_UNDERSCORE = re.compile(r"_([a-z])")
_ROLES = {"model": "assistant", "function": "tool"}


def camel(value: dict[str, Any]) -> dict[str, Any]:
    """The object with the names of its own fields (not of those below) in camelCase."""
    return {_UNDERSCORE.sub(lambda found: found[1].upper(), name): item for name, item in value.items()}


def message(item: dict[str, Any]) -> dict[str, Json]:
    """One content; one that only brings results of functions is the tool's."""
    made = parts(item)
    role = text(item.get("role")) or "user"
    if made and all(part.get("type") == "tool_call_response" for part in made):
        role = "tool"
    return {"role": _ROLES.get(role, role), "parts": made}


def parts(content: Json) -> list[Part]:
    """The parts of a content."""
    return [_part(camel(part)) for part in mappings(mapping(content).get("parts"))]


def _part(part: dict[str, Any]) -> Part:
    if "text" in part:
        return {"type": "reasoning" if part.get("thought") is True else "text", "content": text(part["text"])}
    if "functionCall" in part:
        return _call(mapping(part["functionCall"]))
    if "functionResponse" in part:
        answered = mapping(part["functionResponse"])
        return _named({"type": "tool_call_response", "response": answered.get("response")}, answered)
    if "inlineData" in part:
        data = camel(mapping(part["inlineData"]))
        mime = text(data.get("mimeType"))
        return blob(mime.partition("/")[0], mime, text(data.get("data")))
    if "fileData" in part:
        data = camel(mapping(part["fileData"]))
        mime = text(data.get("mimeType"))
        uri = text(data.get("fileUri"))
        return {"type": "uri", "modality": mime.partition("/")[0], "mime_type": mime, "uri": uri}
    return part


def _call(called: dict[str, Any]) -> Part:
    return _named({"type": "tool_call", "arguments": called.get("args")}, called)


def _named(part: Part, said: dict[str, Any]) -> Part:
    """With the name, and the id where there is one (the Gemini API gives none)."""
    return {**part, **{key: said[key] for key in ("id", "name") if text(said.get(key))}}
