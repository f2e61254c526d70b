"""Framings of a streamed answer: server-sent events, one JSON object per line, AWS's binary events.

All read a finished (or broken off) body; what cannot be read of it is left out and counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from evalspan.capture import aws_stream
from evalspan.capture.trouble import note
from evalspan.model import Json

_DONE = "[DONE]"  # OpenAI's end mark, which is not JSON


def reader(content_type: str) -> Callable[[bytes], Iterator[Json]] | None:
    """What reads a body of this type as a stream of events; None where the body is one document."""
    kind = content_type.partition(";")[0].strip().lower()
    return _READERS.get(kind)


def events(body: bytes) -> Iterator[Json]:
    """The JSON values in the `data:` lines of server-sent events, in order."""
    lines = body.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    for block in lines.split("\n\n"):
        if "\n" in block:
            data = "\n".join(_data(line) for line in block.split("\n") if line.startswith("data:"))
        else:  # one line, as most are
            data = _data(block) if block.startswith("data:") else ""
        if data and data != _DONE:
            yield from _value(data)


def json_lines(body: bytes) -> Iterator[Json]:
    """The JSON values of a body that has one on each line, as Ollama streams."""
    for line in body.decode("utf-8", errors="replace").split("\n"):
        if line.strip():
            yield from _value(line)


def _data(line: str) -> str:
    return line.removeprefix("data:").removeprefix(" ")


def _value(data: str) -> Iterator[Json]:
    try:
        yield json.loads(data)
    except ValueError as error:
        note("unreadable event in a stream", error)


_READERS = {
    "text/event-stream": events,
    "application/x-ndjson": json_lines,
    "application/ndjson": json_lines,
    "application/jsonl": json_lines,
    "application/stream+json": json_lines,
    "application/vnd.amazon.eventstream": aws_stream.events,
}
