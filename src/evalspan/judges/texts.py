"""What of a value is looked at: of a message its text, of anything else the value itself."""

from __future__ import annotations

from typing import Any, cast

from evalspan.model import Json, dump


def looked_at(value: Json) -> Json:
    """The text of a message (`{"role", "content"}`), so that a judge does not see its wrapping."""
    if isinstance(value, dict):
        message = cast("dict[str, Any]", value)
        if "role" in message and "content" in message:
            return _content(message["content"])
    return cast("Json", value)


def plain(value: Json) -> str:
    """The same as one text: JSON where it is none."""
    seen = looked_at(value)
    if seen is None:
        return ""
    return seen if isinstance(seen, str) else dump(seen)


def _content(content: Json) -> Json:
    """The texts of a content in parts, joined; other parts make it the JSON that it is."""
    if isinstance(content, list):
        parts = cast("list[Any]", content)
        texts = [cast("dict[str, Any]", part).get("text") for part in parts if isinstance(part, dict)]
        if len(texts) == len(parts) and all(isinstance(text, str) for text in texts):
            return "".join(cast("list[str]", texts))
    return cast("Json", content)
