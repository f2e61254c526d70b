"""What a client package is here: its wire, and how a user calls it, sync and async.

The packages are used untyped: their types describe answers, and here only what they send counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from capture.wires import wire as w
from capture.wires.wire import Wire

KEY = "sk-test-0123456789"
PROMPT = "What is the capital of Peru?"
MESSAGES: list[Any] = [{"role": "user", "content": PROMPT}]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"of": {"type": "string"}}}
FUNCTION: dict[str, Any] = {"name": w.TOOL, "description": "A capital.", "parameters": SCHEMA}


@dataclass(frozen=True)
class Ask:
    """What to ask for."""

    stream: bool = False
    tools: bool = False
    retries: int = 0


@dataclass(frozen=True)
class Client:
    """One package calling one wire."""

    package: str
    wire: Wire
    sync: Callable[[str, Ask], object]
    asynchronous: Callable[[str, Ask], Awaitable[object]]
    streams: bool = True
    tools: bool = True
    retries: bool = True

    def __str__(self) -> str:
        return f"{self.package} {self.wire.name}"


Call = Callable[[Any, Ask], Any]


def pair(
    make: Callable[[str, Ask], Any], make_async: Callable[[str, Ask], Any], call: Call, call_async: Call
) -> tuple[Callable[[str, Ask], object], Callable[[str, Ask], Awaitable[object]]]:
    """The two callers of a package whose clients are context managers: make, call, read to the end."""

    def sync(url: str, ask: Ask) -> object:
        with make(url, ask) as client:
            answer = call(client, ask)
            return list(answer) if ask.stream else answer

    async def asynchronous(url: str, ask: Ask) -> object:
        async with make_async(url, ask) as client:
            answer = await call_async(client, ask)
            return [item async for item in answer] if ask.stream else answer

    return sync, asynchronous


ONCE: dict[str, bool] = {"streams": False, "tools": False}
