"""What is fuzzed: each target takes any bytes, and may raise nothing.

A refusal that names what is wrong (`UsageError`) is the right answer to most input, and is one here
too; whatever else is raised would have been a 500.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from evalspan.analysis import syntax
from evalspan.api.datadog import metrics, spans
from evalspan.api.datadog.events import MetricsBody
from evalspan.api.datadog.intake import Envelopes
from evalspan.api.envelope import read_attributes, read_json
from evalspan.api.errors import on_evalspan_error, on_validation_error
from evalspan.errors import UsageError
from evalspan.ingest import Signal, body, statuses
from evalspan.settings import Settings
from evalspan.store import guard
from fuzz import seeds
from fuzz.decoding import decoded, written
from ingest.build import span, traces

Result = TypeVar("Result")
_LIMIT: Final = 1 << 20
_INT: Final = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Target:
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


def otlp(signal: Signal, json: bool, data: bytes) -> None:
    try:
        batch = decoded(signal, data, json=json)
    except UsageError as error:
        statuses.answer(error)
        return
    written(batch)
    statuses.response(signal, batch.receipt()).SerializeToString()


def dialects(data: bytes) -> None:
    """A span whose attributes are the lines `key=value`: no framing for a mutation to break."""
    lines = (line.partition("=") for line in data.decode("utf-8", "replace").split("\n"))
    one = span({key: int(text) if _INT.fullmatch(text) else text for key, _, text in lines})
    batch = decoded(Signal.TRACES, traces(one))
    written(batch)
    assert batch.accepted == 1


def coding(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        assert len(body.inflate(data[1:], body.DEFLATE if data[:1] == b"\1" else body.GZIP, _LIMIT)) <= _LIMIT


def datadog_spans(data: bytes) -> None:
    async def read(request: Request) -> Any:
        envelopes = Envelopes.model_validate(await read_json(request))
        bodies = [item for envelope in envelopes.root for item in envelope.spans]
        written(decoded(Signal.TRACES, spans.request(bodies, lambda _: None)))

    _answered(read, data)


def datadog_metrics(data: bytes) -> None:
    async def read(request: Request) -> Any:
        found = (await read_attributes(request, MetricsBody)).metrics
        written(decoded(Signal.LOGS, metrics.submitted(found)))
        written(decoded(Signal.LOGS, metrics.of_experiment(found, "e", ["run_iteration:1"])))

    _answered(read, data)


def search(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        assert syntax.parse(str(found := syntax.parse(data.decode("utf-8", "replace")))) == found


def sql(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        guard.used(data.decode("utf-8", "replace"), {"y": "z"})


def _answered(read: Callable[[Request], Coroutine[Any, Any, None]], data: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    app = SimpleNamespace(state=SimpleNamespace(settings=Settings()))
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "app": app}, receive)
    try:
        _awaited(read(request))
    except ValidationError as error:
        _awaited(on_validation_error(request, error))
    except UsageError as error:
        _awaited(on_evalspan_error(request, error))


def _awaited(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that waits for nothing: an event loop costs ten times a run."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


TARGETS: Final = {
    **{
        f"otlp-{signal}": Target(partial(otlp, signal, False), partial(seeds.bodies, signal))
        for signal in Signal
    },
    **{
        f"otlp-{signal}-json": Target(partial(otlp, signal, True), partial(seeds.texts, signal))
        for signal in Signal
    },
    "dialects": Target(dialects, seeds.dialect_lines),
    "coding": Target(coding, seeds.compressed),
    "datadog-spans": Target(datadog_spans, seeds.datadog_spans),
    "datadog-metrics": Target(datadog_metrics, seeds.datadog_metrics),
    "search": Target(search, seeds.queries),
    "sql": Target(sql, seeds.statements),
}
