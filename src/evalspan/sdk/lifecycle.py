"""The process-wide start: settings, the tracer provider, delivery, capture.

A tracer provider that the app has set is never replaced: our processor is added to it, once. Where
there is none, ours has no span limits and samples everything, and becomes the global one.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import ProxyTracerProvider

from evalspan import settings as settings_module
from evalspan.capture import content
from evalspan.model import Json
from evalspan.sdk import context as case_context
from evalspan.sdk.client import Client
from evalspan.sdk.delivery import Delivery
from evalspan.sdk.processor import CaseProcessor
from evalspan.settings import Settings

UNLIMITED = SpanLimits(**dict.fromkeys(
    (
        "max_attributes", "max_events", "max_links", "max_span_attributes", "max_event_attributes",
        "max_link_attributes", "max_attribute_length", "max_span_attribute_length",
    ),
    SpanLimits.UNSET,
))  # fmt: skip


@dataclass(frozen=True)
class Runtime:
    """What `init` set up."""

    settings: Settings
    provider: TracerProvider
    delivery: Delivery
    client: Client

    def start_span(self, name: str, context: Context, values: dict[str, Any]) -> trace.Span:
        """A span that is recorded for certain: if the app's sampler declines, by a provider of ours."""
        span = self._tracer(self.provider).start_span(name, context=context, attributes=values)
        if span.is_recording() and span.get_span_context().trace_flags.sampled:
            return span
        return self._tracer(_fallback()).start_span(name, context=context, attributes=values)

    @property
    def resource(self) -> Resource:
        """What scores say of this process: the same as spans, where the provider tells."""
        return getattr(self.provider, "resource", None) or _fallback().resource

    @staticmethod
    def _tracer(provider: TracerProvider) -> trace.Tracer:
        return provider.get_tracer("evalspan", _VERSION)


_VERSION = version("evalspan")
_lock = threading.RLock()
_runtime: Runtime | None = None
_given: dict[str, Any] = {}
_redact: Callable[[Json], Json] | None = None
_private: TracerProvider | None = None
# By id: a provider may be unhashable, as Logfire's is.
_attached: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
processor = CaseProcessor(lambda: None if _runtime is None else _runtime.delivery)
"""The one processor, on however many providers: it feeds whichever delivery is current."""


def init(
    *,
    endpoint: str | None = None,
    api_key: str | None = None,
    project: str | None = None,
    tracer_provider: Any = None,
    capture: bool | None = None,
    redact: Callable[[Json], Json] | None = None,
    **overrides: Any,
) -> None:
    """Starts recording. Calling it again changes what the new arguments say, and nothing else.

    Args:
        endpoint: Base URL of the evalspan service (`EVALSPAN_ENDPOINT`). Telemetry goes there too,
            unless an `OTEL_EXPORTER_OTLP_*` variable names a collector.
        api_key: Sent to the service (`EVALSPAN_API_KEY`).
        project: Project of experiments that name none (`EVALSPAN_PROJECT`).
        tracer_provider: The provider to record with; the global one by default.
        capture: Whether to record the LLM calls of httpx clients (`EVALSPAN_CAPTURE`).
        redact: Given each message list, input, output, error text and text of a score before it is
            recorded, as JSON has it; returns what may be recorded, None where nothing may. Where it
            raises, nothing is.
        overrides: Any other setting, by its name.

    Raises:
        UsageError: a setting does not fit.
    """
    global _redact
    if redact is not None:
        with _lock:
            _redact = redact
            if _runtime is not None:  # a start without other news leaves all as it is
                content.configure(_runtime.settings.capture_content, _redact)
    start(tracer_provider, endpoint=endpoint, api_key=api_key, project=project, capture=capture, **overrides)


def start(tracer_provider: Any = None, **given: Any) -> Runtime:
    """`init`, and what it set up. Without arguments: what there is, started where there is nothing."""
    global _runtime
    news = {name: value for name, value in given.items() if value is not None}
    with _lock:
        if _runtime is not None and not news and tracer_provider is None:
            return _runtime
        settings = settings_module.load({**_given, **news})
        _given.update(news)
        previous = _runtime
        if previous is not None and previous.settings == settings:
            delivery = previous.delivery
        else:
            delivery = Delivery(settings)
        provider = _attach(tracer_provider, previous)
        client = Client(settings.endpoint, settings.api_key, patience=settings.control_timeout)
        _runtime = Runtime(settings, provider, delivery, client)
        content.configure(settings.capture_content, _redact)
        if settings.capture:
            from evalspan import capture

            capture.install(provider, stream_usage=settings.capture_stream_usage)
    if previous is not None and previous.delivery is not delivery:
        previous.delivery.close(previous.settings.exit_timeout)
    return _runtime


def flush(timeout: float = 30.0) -> bool:
    """Waits for delivery; True only if everything produced so far was acknowledged."""
    return _runtime is None or _runtime.delivery.flush(timeout)


def shutdown(timeout: float = 30.0) -> bool:
    """Flushes and stops recording; `init` starts anew. True if everything was acknowledged."""
    global _runtime
    with _lock:
        stopping, _runtime = _runtime, None
        _given.clear()
        # A redaction stays in force for the capture, which stays installed: it was promised.
    return stopping is None or stopping.delivery.close(timeout)


def start_step(name: str, values: dict[str, Any]) -> trace.Span:
    """A span below the current one; in an experiment it is recorded whatever the app's sampler says."""
    if _runtime is None:
        return trace.get_tracer("evalspan", _VERSION).start_span(name, attributes=values)
    if case_context.current() is not None:
        return _runtime.start_span(name, get_current(), values)
    return _runtime.provider.get_tracer("evalspan", _VERSION).start_span(name, attributes=values)


def _attach(given: Any, previous: Runtime | None) -> TracerProvider:
    """The provider to record with, our processor on it."""
    provider: Any = given if given is not None else previous.provider if previous else None
    if provider is None:
        provider = trace.get_tracer_provider()
    if isinstance(provider, ProxyTracerProvider):
        provider = _fallback()
        trace.set_tracer_provider(provider)
    if not hasattr(provider, "add_span_processor"):
        # Some other implementation of the API: its spans cannot be had, ours are recorded beside it.
        provider = _fallback()
    if _attached.get(id(provider)) is not provider:
        provider.add_span_processor(processor)
        _attached[id(provider)] = provider
    return provider


def _fallback() -> TracerProvider:
    """A provider of ours: no limits, every span sampled."""
    global _private
    with _lock:
        if _private is None:
            _private = TracerProvider(sampler=ALWAYS_ON, span_limits=UNLIMITED, shutdown_on_exit=False)
            _private.add_span_processor(processor)
            _attached[id(_private)] = _private
        return _private
