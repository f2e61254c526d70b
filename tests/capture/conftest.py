"""The capture on a tracer provider of the test's own, and the calls to try it with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from capture.provider import Provider
from evalspan import attributes as a
from evalspan import capture

ASKED: list[dict[str, Any]] = [{"role": "user", "content": "What is the capital of Peru?"}]


class Recorded:
    """What the capture exported."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.logger_provider = LoggerProvider()
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))

    @property
    def calls(self) -> list[ReadableSpan]:
        """The LLM spans."""
        return [
            span for span in self._spans.get_finished_spans() if a.OPERATION_NAME in (span.attributes or {})
        ]

    @property
    def http(self) -> list[ReadableSpan]:
        """The HTTP spans."""
        return [span for span in self._spans.get_finished_spans() if span not in self.calls]

    def attributes(self) -> dict[str, Any]:
        """Those of the one LLM span."""
        (call,) = self.calls
        return dict(call.attributes or {})

    def events(self) -> list[Any]:
        return [item.log_record for item in self._logs.get_finished_logs()]

    def close(self) -> None:
        self.provider.shutdown()
        self.logger_provider.shutdown()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("OTEL_", "EVALSPAN_", "OPENAI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """What the installed capture records."""
    recorded = Recorded()
    capture.install(recorded.provider, logger_provider=recorded.logger_provider)
    yield recorded
    capture.uninstall()
    recorded.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def in_experiment() -> Iterator[None]:
    """The code of the test runs as a task of an experiment does."""
    token = context.attach(baggage.set_baggage(a.EXPERIMENT_ID, "e-1"))
    yield
    context.detach(token)
