"""One LLM call: its span from the request to the end of the answer.

The span outlives the HTTP span below it, which ends when the headers are in: a streamed answer is
only over when its stream is.
"""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import httpx
from opentelemetry import trace
from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture import sse
from evalspan.capture.content import Content, redacted
from evalspan.capture.formats import Format, Half
from evalspan.capture.shape import complaint
from evalspan.capture.trouble import note
from evalspan.model import Json, dump

MAX_BODY = 32 * 1024 * 1024  # a longer answer passes by unread, so that a copy never fills the memory
_PIECE = 16 * 1024  # of an encoded body; gzip makes at most a thousand times as much of it


@dataclass
class Call:
    """Watches one call. Every method is safe to call at any time, and none raises."""

    span: Span
    format: Format
    content: Content
    asked: Half
    logger: Logger
    _started: float = field(default_factory=time.perf_counter)
    _response: httpx.Response | None = None
    _body: bytearray = field(default_factory=bytearray)
    _too_long: bool = False
    _first_chunk: float | None = None
    _ended: bool = False

    def current(self) -> AbstractContextManager[Span]:
        """Makes this call the parent of what happens inside (the HTTP span, `traceparent`)."""
        return trace.use_span(
            self.span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )

    def answered(self, response: httpx.Response) -> None:
        """The headers are in."""
        self._response = response

    def feed(self, chunk: bytes) -> None:
        """Some of the answer is in, as it came over the wire."""
        if self._first_chunk is None:
            self._first_chunk = time.perf_counter() - self._started
        if self._too_long:
            return
        self._body += chunk
        if len(self._body) > MAX_BODY:
            self._too_long = True
            self._body.clear()

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
        finally:
            self.span.end(now)

    def _describe(self, error: BaseException | None) -> None:
        failure, said = type(error).__qualname__ if error else "", ""
        answer = Half()
        if self._response is not None and self._response.status_code >= 400:
            failure, said = str(self._response.status_code), self._complaint()
        elif self._response is not None:
            answer = self._answer(self._response)
            failure = failure or str(answer.attributes.get(a.ERROR_TYPE, ""))
        found: dict[str, AttributeValue] = {
            **answer.attributes,
            **({a.ERROR_TYPE: failure} if failure else {}),
        }
        self.span.set_attributes(found)
        if failure:
            self.span.set_status(Status(StatusCode.ERROR, f"{failure} {said}".strip()))
        self._record_content(found, {**self.asked.content, **answer.content})

    def _complaint(self) -> str:
        """The short code of an error answer. Not its message: that may quote the key or the prompt."""
        try:
            return complaint(json.loads(self._decoded()))
        except ValueError:
            return ""

    def _answer(self, response: httpx.Response) -> Half:
        if self._too_long:
            note("answer too long to read", f"more than {MAX_BODY} bytes")
            return Half()
        events = sse.reader(response.headers.get("content-type", ""))
        if events is None:
            # Nothing was read of an answer that was closed at once: that is no trouble.
            return self.format.response(json.loads(self._decoded())) if self._body else Half()
        half = self.format.response(self.format.assemble(events(self._decoded())))
        if self._first_chunk is not None:
            half.attributes[a.RESPONSE_TIME_TO_FIRST_CHUNK] = self._first_chunk
        return half

    def _decoded(self) -> bytes:
        """The body without its content encoding (gzip and so on), by the client's own decoders.

        Raises:
            ValueError: decoded, it would be longer than what is read: a little gzip can hold gigabytes.
        """
        encoding = self._response.headers.get("content-encoding", "") if self._response is not None else ""
        if not encoding:
            return bytes(self._body)
        pieces = (bytes(self._body[at : at + _PIECE]) for at in range(0, len(self._body), _PIECE))
        decoded = bytearray()
        for piece in httpx.Response(200, headers={"content-encoding": encoding}, content=pieces).iter_bytes():
            decoded += piece
            if len(decoded) > MAX_BODY:
                raise ValueError(f"more than {MAX_BODY} bytes when decoded")
        return bytes(decoded)

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
