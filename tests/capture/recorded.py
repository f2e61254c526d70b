"""A tracer provider of a test's own, and what arrived there."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from evalspan import attributes as a


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
