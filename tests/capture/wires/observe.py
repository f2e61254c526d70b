"""One call of one client, and what was recorded of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from opentelemetry import baggage, context

from capture.recorded import Recorded
from capture.wires import wire as w
from capture.wires.client import Ask, Client
from capture.wires.server import Server
from evalspan import attributes as a
from evalspan import capture


@dataclass(frozen=True)
class Seen:
    """The spans' attributes, in the order of their ends, and the error that the caller got."""

    calls: tuple[dict[str, Any], ...]
    statuses: tuple[str, ...]
    error: BaseException | None
    answer: object

    @property
    def only(self) -> dict[str, Any]:
        (call,) = self.calls
        return call

    def parts(self) -> list[dict[str, Any]]:
        """Of the answer's only message."""
        (message,) = json.loads(self.only[a.OUTPUT_MESSAGES])
        return message["parts"]


# (manners of the server, what is asked) by the scenario's name.
SCENARIOS: dict[str, tuple[tuple[str, ...], Ask]] = {
    "plain": (("ok",), Ask()),
    "stream": (("ok",), Ask(stream=True)),
    "tools": (("ok",), Ask(tools=True)),
    "streamed tools": (("ok",), Ask(stream=True, tools=True)),
    "gzip": (("gzip",), Ask()),
    "gzip stream": (("gzip",), Ask(stream=True)),
    "429, then 200": (("429", "ok"), Ask(retries=1)),
    "500": (("500",), Ask()),
    "cut stream": (("cut",), Ask(stream=True)),
}


def offered(client: Client, scenario: str) -> bool:
    """Whether the client has such a call at all."""
    ask = SCENARIOS[scenario][1]
    return (
        (client.streams or not ask.stream)
        and (client.tools or not ask.tools)
        and (client.retries or not ask.retries)
    )


@cache
def observe(client: Client, way: str, scenario: str) -> Seen:
    """One call, made as code of an experiment, so that content is recorded."""
    manners, ask = SCENARIOS[scenario]
    error: BaseException | None = None
    answer: object = None
    with Server(client.wire, manners) as server, _recording() as recorded:
        try:
            if way == "sync":
                answer = client.sync(server.url, ask)
            else:
                answer = asyncio.run(_awaited(client, server.url, ask))
        except Exception as raised:
            error = raised
        spans = recorded.calls
    return Seen(
        tuple(dict(span.attributes or {}) for span in spans),
        tuple(span.status.status_code.name for span in spans),
        error,
        answer,
    )


async def _awaited(client: Client, url: str, ask: Ask) -> object:
    return await client.asynchronous(url, ask)


@contextmanager
def _recording() -> Generator[Recorded]:
    recorded = Recorded()
    capture.install(recorded.provider, logger_provider=recorded.logger_provider)
    token = context.attach(baggage.set_baggage(a.EXPERIMENT_ID, "e-1"))
    try:
        yield recorded
    finally:
        context.detach(token)
        capture.uninstall()
        recorded.close()


def usage(client: Client) -> dict[str, int]:
    """The token counts that the wire carries, under their attributes."""
    wire = client.wire
    carried = {
        "cache_read": (a.USAGE_CACHE_READ_TOKENS, w.READ),
        "cache_write": (a.USAGE_CACHE_WRITE_TOKENS, w.WRITTEN),
        "reasoning": (a.USAGE_REASONING_TOKENS, w.REASONING),
    }
    made = {} if wire.operation == "embeddings" else {a.USAGE_OUTPUT_TOKENS: w.OUTPUT}
    found = dict(carried[fact] for fact in sorted(wire.carries & carried.keys()))
    return {a.USAGE_INPUT_TOKENS: w.INPUT, **made, **found}
