"""What every local provider answers, in whatever wire format it says it."""

from __future__ import annotations

import json
from typing import Any

MODEL = "model-7"
ANSWERED = "model-7-2026-01-01"
ID = "answer-7"
THOUGHT = "Peru is in South America."
TEXT = "Lima."
TOOL = "city"
ARGUMENTS = {"of": "Peru"}
CALL_ID = "call-1"
# Inclusive counts, as the conventions have them; a format that counts otherwise takes them apart.
INPUT, READ, WRITTEN = 120, 100, 15
OUTPUT, REASONING = 30, 12


class Wire:
    """One wire format. The carried facts are those that it can say at all."""

    name: str
    operation = "chat"
    provider: str
    carries: frozenset[str] = frozenset()
    stop = "stop"
    tool_stop = "tool_calls"
    stream_type = "text/event-stream"

    def streams(self, path: str, body: dict[str, Any]) -> bool:
        """Whether the request asks for a stream."""
        return body.get("stream") is True

    def answer(self, body: dict[str, Any]) -> Any:
        """The whole answer; a tool call where the request offers tools."""
        raise NotImplementedError

    def events(self, body: dict[str, Any]) -> list[bytes]:
        """The same answer as the pieces of a stream."""
        raise NotImplementedError

    def refusal(self, status: int) -> Any:
        """The body of an error answer."""
        return {"error": {"message": f"It is {status}.", "type": "refused", "code": None}}


def sse(data: Any, event: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def halves(value: str) -> tuple[str, str]:
    """A text in two pieces, as it would be streamed."""
    return value[:3], value[3:]
