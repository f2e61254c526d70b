"""The spans of an item: with ids that follow from the item, so that whoever runs it again replaces them.

Spans go to the ingest when a stage of the item is over, not one by one; what a killed service had begun was
never sent.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any, cast

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Status, StatusCode

from evalspan import attributes as names
from evalspan.errors import EvalspanError
from evalspan.jobs.job import span_id
from evalspan.model import Json, dump


class Recording:
    """The spans of one stage of one item."""

    def __init__(self, item: str, place: str, values: Mapping[str, Any]) -> None:
        """`place` tells the stages of an item apart; `values` stand on every span."""
        self.item = item
        self.values = values
        self.spans: list[ReadableSpan] = []
        self._place = place
        self._numbers: Iterator[int] = itertools.count()

    def next_span_id(self) -> int:
        number = next(self._numbers)
        return int(span_id(self.item, self._place, number), 16)

    def message(self) -> ExportTraceServiceRequest:
        return encoded(self.spans)


_current: ContextVar[Recording | None] = ContextVar("evalspan_recording", default=None)


class _Ids(IdGenerator):
    def generate_trace_id(self) -> int:
        return int(_recording().item, 16)

    def generate_span_id(self) -> int:
        return _recording().next_span_id()


class _Collector(SpanProcessor):
    """Gives spans the ids of their item, and gathers those that ended."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attributes(_recording().values)

    def on_end(self, span: ReadableSpan) -> None:
        found = _current.get()
        if found is not None:
            found.spans.append(span)


def tracer_provider() -> TracerProvider:
    """The runner's own: the environment's settings for an app's telemetry do not apply to it."""
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource({names.SERVICE_NAME: "evalspan"}),
        id_generator=_Ids(),
        shutdown_on_exit=False,
    )
    cast("Any", provider)._disabled = False  # OTEL_SDK_DISABLED is about the app's
    provider.add_span_processor(_Collector())
    return provider


@asynccontextmanager
async def recording(found: Recording, parent: str = "") -> AsyncGenerator[Recording, None]:
    """Everything inside is recorded there; below the span of the id `parent`, where there is one."""
    within = baggage.set_baggage(
        names.EXPERIMENT_ID, str(found.values.get(names.EXPERIMENT_ID, "")), Context()
    )
    if parent:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        judged = trace.SpanContext(int(found.item, 16), int(parent, 16), is_remote=False, trace_flags=flags)
        within = trace.set_span_in_context(trace.NonRecordingSpan(judged), within)
    token = otel_context.attach(within)
    reset = _current.set(found)
    try:
        yield found
    finally:
        _current.reset(reset)
        otel_context.detach(token)


class Step:
    """A span that is open."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def output(self, value: Json) -> None:
        self._span.set_attribute(names.OUTPUT, dump(value))

    def set(self, values: Mapping[str, Any]) -> None:
        self._span.set_attributes(values)

    def fail(self, message: str, kind: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, message))
        self._span.set_attribute(names.ERROR_TYPE, kind)

    def current(self) -> AbstractContextManager[trace.Span]:
        """Makes it the parent of what is inside."""
        return trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def end(self, at: int | None = None) -> None:
        self._span.end(at)


def started(
    provider: TracerProvider, name: str, at: int | None = None, values: Mapping[str, Any] | None = None
) -> Step:
    """An open span; `at` is when it began, in nanoseconds."""
    tracer = provider.get_tracer("evalspan.jobs", version("evalspan"))
    return Step(tracer.start_span(name, attributes=dict(values or {}), start_time=at))


@contextmanager
def step(
    provider: TracerProvider, name: str, span_type: str, values: Mapping[str, Any] | None = None
) -> Generator[Step, None, None]:
    """A span around what is inside; an error of ours that passes through fails it."""
    span = started(provider, name, values={names.SPAN_TYPE: span_type, **(values or {})})
    try:
        with span.current():
            yield span
    except EvalspanError as error:
        span.fail(str(error), kind(error))
        raise
    finally:
        span.end()


def kind(error: BaseException) -> str:
    """What becomes of `error.type`."""
    return str(getattr(error, "kind", "") or type(error).__name__)


def encoded(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    return encode_spans(spans)


def _recording() -> Recording:
    found = _current.get()
    if found is None:
        raise AssertionError("a span of the runner outside any item")
    return found
