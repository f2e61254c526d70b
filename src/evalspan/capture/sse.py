"""Server-sent events: the JSON objects in the `data:` lines of a finished (or broken off) stream."""

from __future__ import annotations

import json
from collections.abc import Iterator

from evalspan.capture.trouble import note
from evalspan.model import Json

_DONE = "[DONE]"  # OpenAI's end mark, which is not JSON


def events(body: bytes) -> Iterator[Json]:
    """The events in order. An unreadable one (the last of a stream broken off) is left out."""
    lines = body.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    for block in lines.split("\n\n"):
        data = "\n".join(_data(line) for line in block.split("\n") if line.startswith("data:"))
        if not data or data == _DONE:
            continue
        try:
            yield json.loads(data)
        except ValueError as error:
            note("unreadable event in a stream", error)


def _data(line: str) -> str:
    return line.removeprefix("data:").removeprefix(" ")
