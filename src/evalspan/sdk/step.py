"""`with evalspan.span(...)`: a step, tool or agent of the app's own as a span.

What a step took and gave is recorded by the content policy of the LLM calls: inside an experiment,
or where it was asked for. Recording never changes the step: what cannot be recorded is left out.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture import content
from evalspan.capture.trouble import note
from evalspan.errors import UsageError
from evalspan.model import Json
from evalspan.sdk import lifecycle

_TYPES = frozenset({
    a.TASK, a.LLM, a.EMBEDDING, a.TOOL, a.AGENT, a.WORKFLOW, a.RETRIEVER, a.RERANKER, a.GUARDRAIL, a.CHAIN,
    a.OTHER,
})  # fmt: skip
# (operation, the attribute that holds the name), for the types that the GenAI conventions describe.
_OPERATIONS = {
    a.TOOL: (a.EXECUTE_TOOL, a.TOOL_NAME),
    a.AGENT: (a.INVOKE_AGENT, a.AGENT_NAME),
    a.WORKFLOW: (a.INVOKE_WORKFLOW, a.WORKFLOW_NAME),
}
_NOTHING: Any = object()


class span:  # noqa: N801 (it is called as a function is)
    """A step of the app as a span: `with evalspan.span("search", input=query) as step: ...`.

    It also works with `async with`. An error that leaves the block is recorded and goes on.
    """

    def __init__(self, name: str, *, span_type: str | None = None, input: Json = _NOTHING) -> None:
        """
        Args:
            name: What the step is; for a TOOL or an AGENT, its name.
            span_type: TASK, TOOL, AGENT, WORKFLOW, RETRIEVER, RERANKER, GUARDRAIL, CHAIN, LLM,
                EMBEDDING or OTHER, the default.
            input: What the step is given; recorded as JSON.

        Raises:
            UsageError: there is no such type.
        """
        self._name = name
        self._type = known_type(span_type)
        self._input = input
        self._span: otel.Span = otel.INVALID_SPAN
        self._content = False
        self._tokens: list[Any] = []

    def set_input(self, value: Json) -> None:
        """Records what the step is given, as JSON."""
        if self._content:
            self._record(a.TOOL_CALL_ARGUMENTS if self._type == a.TOOL else a.INPUT, value)

    def set_output(self, value: Json) -> None:
        """Records what the step gave, as JSON."""
        if self._content:
            self._record(self._output_name, value)

    def set_output_text(self, text: str) -> None:
        """Records an output that is JSON already, and was shown to the redaction."""
        if self._content:
            self._span.set_attribute(self._output_name, text)

    def set_attribute(self, name: str, value: AttributeValue) -> None:
        """Records something more."""
        self._span.set_attribute(name, value)

    def __enter__(self) -> Self:
        self.start()
        self._tokens.append(otel_context.attach(otel.set_span_in_context(self._span)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        otel_context.detach(self._tokens.pop())
        self.end(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, stack)

    def start(self) -> Self:
        """Starts the span without making it the current one; for what is entered many times."""
        try:
            self._span = lifecycle.start_step(self._title(), self._values())
            self._content = self._span.is_recording() and content.wanted().on_span
            if self._input is not _NOTHING:
                self.set_input(self._input)
        except Exception as trouble:
            note("span not recorded", repr(trouble))
        return self

    @contextmanager
    def active(self) -> Generator[None]:
        """Makes the started span the current one for a while."""
        token = otel_context.attach(otel.set_span_in_context(self._span))
        try:
            yield
        finally:
            otel_context.detach(token)

    def end(self, error: BaseException | None = None) -> None:
        """Ends the span, with the error that ended the step."""
        try:
            if error is not None and not isinstance(error, GeneratorExit):
                record_error(self._span, error)
        except Exception as trouble:
            note("error of a span not recorded", repr(trouble))
        finally:
            self._span.end()

    @property
    def keeps_content(self) -> bool:
        """Whether an output would be recorded."""
        return self._content

    @property
    def _output_name(self) -> str:
        return a.TOOL_CALL_RESULT if self._type == a.TOOL else a.OUTPUT

    def _title(self) -> str:
        return f"{_OPERATIONS[self._type][0]} {self._name}" if self._type in _OPERATIONS else self._name

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = {a.SPAN_TYPE: self._type}
        if self._type in _OPERATIONS:
            operation, name = _OPERATIONS[self._type]
            values |= {a.OPERATION_NAME: operation, name: self._name}
        if self._type == a.TOOL:
            values[a.TOOL_TYPE] = "function"
        return values

    def _record(self, name: str, value: Json) -> None:
        try:
            text = content.recordable(value)
            if text is not None:
                self._span.set_attribute(name, text)
        except Exception as trouble:
            note("content of a span not recorded", type(trouble).__qualname__)


def record_error(started: otel.Span, error: BaseException) -> None:
    """Marks a span as failed by an error, as far as a redaction lets it be told."""
    kind, message = type(error).__qualname__, content.told(str(error))
    started.set_attribute(a.ERROR_TYPE, kind)
    if content.is_redacting():
        # A stack trace repeats the message, and quotes what the redaction never saw.
        started.add_event(a.EXCEPTION_EVENT, {a.EXCEPTION_TYPE: kind, a.EXCEPTION_MESSAGE: message})
    else:
        started.record_exception(error)
    started.set_status(Status(StatusCode.ERROR, message or kind))


def known_type(stated: str | None) -> str:
    """A span type as it is spelled.

    Raises:
        UsageError: there is none of that name.
    """
    found = (stated or a.OTHER).upper()
    if found not in _TYPES:
        raise UsageError(f"span_type={stated!r}: use one of {', '.join(sorted(_TYPES))}.")
    return found
