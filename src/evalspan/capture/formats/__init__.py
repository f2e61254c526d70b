"""The wire formats that the capture reads, one file each.

A format is three pure functions over JSON. They may raise on anything unexpected: the caller
counts that and leaves the call alone.
"""

from __future__ import annotations

from evalspan.capture.formats.base import Format, Half
from evalspan.capture.formats.openai_chat import OpenAIChat

FORMATS: tuple[Format, ...] = (OpenAIChat(),)

__all__ = ["FORMATS", "Format", "Half", "find"]


def find(method: str, path: str) -> Format | None:
    """The format of a request, by its method and the end of its path."""
    if method != "POST":
        return None
    return next((item for item in FORMATS if path.rstrip("/").endswith(item.path)), None)
