"""The span processor: stamps the ids of the case on every span, and hands ended spans to delivery.

The ids are set when a span starts, for everybody to see, and again when it ends: an app's own
tracer provider keeps 128 attributes and evicts the oldest, which are the ids. An ended span cannot
be changed, so a new readable span is made around it, redacted where that is wanted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from evalspan import attributes
from evalspan.sdk import context, measure, redaction
from evalspan.sdk.context import Case
from evalspan.sdk.delivery import Delivery

_log = logging.getLogger("evalspan.processor")
_Key = tuple[int, int]


class CaseProcessor(SpanProcessor):
    """Feeds the spans of any number of tracer providers into the current delivery."""

    def __init__(self, delivery: Callable[[], Delivery | None]) -> None:
        self._delivery = delivery
        self._cases: dict[_Key, Case] = {}
        self._stamps: dict[_Key, Mapping[str, Any]] = {}

    def stamp(self, span: Any, values: Mapping[str, Any]) -> None:
        """Attributes that the ended span will carry whatever the limits of its provider."""
        self._stamps[_key(span)] = values

    def forget(self, experiment_id: str) -> None:
        """Drops what is kept for spans of an experiment that never ended."""
        for key in [key for key, case in list(self._cases.items()) if case.experiment_id == experiment_id]:
            self._cases.pop(key, None)
            self._stamps.pop(key, None)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        case = context.current(parent_context)
        if case is not None:
            span.set_attributes(case.attributes)
            self._cases[_key(span)] = case

    def on_end(self, span: ReadableSpan) -> None:
        case = self._cases.pop(_key(span), None)
        stamp = self._stamps.pop(_key(span), {})
        delivery = self._delivery()
        identity = span.get_span_context()
        if delivery is None or identity is None or not identity.trace_flags.sampled:
            return
        try:
            ready, size = _ready(span, {**(case.attributes if case else {}), **stamp})
            delivery.put("spans", ready, size, case.experiment_id if case else "")
        except Exception:  # telemetry never breaks the app
            _log.exception("A span could not be taken for delivery.")

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True only when everything produced so far was acknowledged by the service."""
        delivery = self._delivery()
        return delivery is None or delivery.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """A provider shuts down; the delivery serves others, and ends with the process."""
        delivery = self._delivery()
        if delivery is not None:
            delivery.flush(delivery.exit_timeout)


class _Restamped(ReadableSpan):
    """A span with other attributes, and the original's counts of what its provider dropped."""

    def __init__(self, origin: ReadableSpan, values: Mapping[str, Any], *, redacted: bool = False) -> None:
        super().__init__(
            name=origin.name,
            context=origin.context,
            parent=origin.parent,
            resource=origin.resource,
            attributes=values,
            events=redaction.shown_events(origin.events) if redacted else origin.events,
            links=origin.links,
            kind=origin.kind,
            status=redaction.shown_status(origin.status) if redacted else origin.status,
            start_time=origin.start_time,
            end_time=origin.end_time,
            instrumentation_scope=origin.instrumentation_scope,
        )
        self._dropped = (origin.dropped_attributes, origin.dropped_events, origin.dropped_links)

    @property
    def dropped_attributes(self) -> int:
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        return self._dropped[2]


def _ready(span: ReadableSpan, stamp: Mapping[str, Any]) -> tuple[ReadableSpan, int]:
    """The span to send, and its size."""
    values = span.attributes or {}
    if span.dropped_attributes:
        stamp = {**stamp, attributes.DROPPED_ATTRIBUTES: span.dropped_attributes}
    ready = span
    if redaction.is_needed(span):
        ready = _Restamped(span, {**redaction.shown(values), **stamp}, redacted=True)
    elif stamp:
        ready = _Restamped(span, {**values, **stamp})
    try:
        return ready, measure.span_size(ready)
    except (UnicodeEncodeError, OverflowError):
        ready = _Restamped(ready, measure.sendable(ready.attributes))
        return ready, measure.span_size(ready)


def _key(span: Any) -> _Key:
    identity = span.get_span_context()
    return identity.trace_id, identity.span_id
