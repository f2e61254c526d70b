"""One LLM call: its span from the request to the end of the answer.

The span outlives the HTTP span below it, which ends when the headers are in: a streamed answer is
only over when its stream is.
"""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture import sse
from evalspan.capture.body import MAX_BODY, Body
from evalspan.capture.content import Content, redacted
from evalspan.capture.formats import Format, Half
from evalspan.capture.shape import complaint
from evalspan.capture.trouble import note
from evalspan.model import Json, dump


@dataclass(frozen=True)
class Answered:
    """What the headers of an answer say."""

    status: int
    content_type: str = ""
    encoding: str = ""


@dataclass
class Call:
    """Watches one call. Every method is safe to call at any time, and none raises."""

    span: Span
    format: Format
    content: Content
    asked: Half
    logger: Logger
    _started: float = field(default_factory=time.perf_counter)
    _answered: Answered | None = None
    _streams: bool = False
    _body: Body = field(default_factory=Body)
    _first_chunk: float | None = None
    _ended: bool = False

    def current(self) -> AbstractContextManager[Span]:
        """Makes this call the parent of what happens inside (the HTTP span, `traceparent`)."""
        return trace.use_span(
            self.span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )

    def answered(self, answered: Answered) -> None:
        """The headers are in."""
        self._answered = answered
        self._streams = sse.reader(answered.content_type) is not None

    def feed(self, chunk: bytes) -> None:
        """Some of the answer is in, as it came over the wire."""
        if self._ended:
            return
        if self._first_chunk is None:
            self._first_chunk = time.perf_counter() - self._started
        try:
            self._body.take(chunk)
            is_complete = self._streams and self._body.is_complete(len(chunk))
        except Exception as trouble:  # no memory for a copy
            self._body.is_too_long = True
            note("answer not kept", repr(trouble))
            return
        if is_complete:
            self.finish()

    def fail(self, error: BaseException) -> None:
        """The call broke off: no connection, a timeout, a cancellation."""
        self._end(error)

    def finish(self) -> None:
        """The answer is over, or the caller wants no more of it."""
        self._end(None)

    def _end(self, error: BaseException | None) -> None:
        if self._ended:
            return
        self._ended = True
        now = time.time_ns()
        try:
            self._describe(error)
        except Exception as trouble:
            note("unreadable answer", repr(trouble))
        self._body = Body()  # the response may live on, with this call behind it
        try:
            self.span.end(now)
        except Exception as trouble:  # a span processor of the app's
            note("span not ended", repr(trouble))

    def _describe(self, error: BaseException | None) -> None:
        failure, said = type(error).__qualname__ if error else "", ""
        answer = Half()
        if self._answered is not None and self._answered.status >= 400:
            failure, said = str(self._answered.status), self._complaint(self._answered)
        elif self._answered is not None:
            answer = self._answer(self._answered)
            failure = failure or str(answer.attributes.get(a.ERROR_TYPE, ""))
        found: dict[str, AttributeValue] = {
            **answer.attributes,
            **({a.ERROR_TYPE: failure} if failure else {}),
        }
        self.span.set_attributes(found)
        if failure:
            self.span.set_status(Status(StatusCode.ERROR, f"{failure} {said}".strip()))
        self._record_content(found, {**self.asked.content, **answer.content})

    def _complaint(self, answered: Answered) -> str:
        """The short code of an error answer. Not its message: that may quote the key or the prompt."""
        try:
            return complaint(json.loads(self._body.decoded(answered.encoding)))
        except ValueError:
            return ""

    def _answer(self, answered: Answered) -> Half:
        if self._body.is_too_long:
            note("answer too long to read", f"more than {MAX_BODY} bytes")
            return Half()
        body = self._body.decoded(answered.encoding)
        events = sse.reader(answered.content_type)
        if events is None:
            # Nothing was read of an answer that was closed at once: that is no trouble.
            return self.format.response(json.loads(body)) if body else Half()
        half = self.format.response(self.format.assemble(events(body)))
        if self._first_chunk is not None:
            half.attributes[a.RESPONSE_TIME_TO_FIRST_CHUNK] = self._first_chunk
        return half

    def _record_content(self, found: dict[str, AttributeValue], content: dict[str, Json]) -> None:
        if not (self.content.on_span or self.content.on_event):
            return
        shown = {name: value for name, given in content.items() if (value := redacted(given)) is not None}
        if self.content.on_span:
            self.span.set_attributes({name: dump(value) for name, value in shown.items()})
        if self.content.on_event:
            self.logger.emit(
                LogRecord(
                    timestamp=time.time_ns(),
                    context=trace.set_span_in_context(self.span),
                    severity_number=SeverityNumber.DEBUG,
                    event_name=a.INFERENCE_DETAILS,
                    attributes={
                        a.OPERATION_NAME: self.format.operation,
                        **self.asked.attributes,
                        **found,
                        **shown,
                    },
                )
            )
