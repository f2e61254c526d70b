"""`@trace` and `span`: the app's own steps as spans, and functions that behave as before."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import evalspan
from evalspan import UsageError
from evalspan import attributes as a
from evalspan.capture import content, troubles
from sdk.conftest import Start


class Ended:
    """The spans that ended."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._spans))

    def __iter__(self) -> Iterator[ReadableSpan]:
        return iter(self._spans.get_finished_spans())

    @property
    def names(self) -> list[str]:
        return [span.name for span in self]

    def one(self) -> ReadableSpan:
        (span,) = self
        return span

    def said(self, name: str) -> Any:
        """An attribute of the one span; content as the JSON that it is."""
        value = (self.one().attributes or {}).get(name)
        return json.loads(value) if isinstance(value, str) and value[:1] in '[{"' else value

    def parent_of(self, name: str) -> str:
        by_id = {span.context.span_id: span for span in self if span.context}
        parent = next(span.parent for span in by_id.values() if span.name == name)
        return by_id[parent.span_id].name if parent else ""


@pytest.fixture
def ended(start: Start, free_port: int) -> Iterator[Ended]:
    """What a started SDK records, content included."""
    ended = Ended()
    start(f"http://127.0.0.1:{free_port}", ended.provider, capture_content="on", exit_timeout=0.0)
    yield ended
    evalspan.shutdown(0)
    content.configure()
    ended.provider.shutdown()


def test_a_call_has_its_arguments_and_its_result(ended: Ended) -> None:
    @evalspan.trace
    def add(left: int, right: int = 2) -> int:
        """Adds."""
        return left + right

    assert add(1) == 3
    assert (add.__name__, add.__doc__, str(inspect.signature(add))) == (
        "add", "Adds.", "(left: 'int', right: 'int' = 2) -> 'int'",
    )  # fmt: skip
    assert (ended.one().name, ended.said(a.INPUT), ended.said(a.OUTPUT)) == ("add", {"left": 1}, "3")


async def test_an_async_call_is_the_parent_of_what_it_does(ended: Ended) -> None:
    @evalspan.trace(name="inner")
    async def inner() -> str:
        await asyncio.sleep(0)
        return "done"

    @evalspan.trace(span_type="agent")
    async def outer() -> str:
        return await inner()

    assert inspect.iscoroutinefunction(outer)
    assert await outer() == "done"
    assert ended.parent_of("inner") == "invoke_agent outer"


def test_a_generator_is_open_until_it_is_exhausted(ended: Ended) -> None:
    @evalspan.trace
    def count(to: int) -> Generator[int, str, str]:
        heard = ""
        for number in range(to):
            heard += yield number
        return heard

    numbers = count(2)
    assert next(numbers) == 0
    assert not otel.get_current_span().is_recording()
    assert ended.names == []
    assert numbers.send("a") == 1
    with pytest.raises(StopIteration) as stop:
        numbers.send("b")
    assert stop.value.value == "ab"
    assert ended.said(a.OUTPUT) == [0, 1]


def test_a_generator_that_is_closed_ends_without_an_error(ended: Ended) -> None:
    cleaned: list[str] = []

    @evalspan.trace
    def letters() -> Generator[str]:
        try:
            yield from "abc"
        finally:
            cleaned.append("up")

    first = next(reading := letters())
    reading.close()
    assert (first, cleaned) == ("a", ["up"])
    assert ended.one().status.status_code is StatusCode.UNSET


async def test_an_async_generator_passes_on_what_is_thrown_into_it(ended: Ended) -> None:
    @evalspan.trace
    async def letters() -> AsyncGenerator[str]:
        try:
            yield "a"
        except KeyError:
            yield "caught"

    reading = letters()
    assert await anext(reading) == "a"
    assert await reading.athrow(KeyError()) == "caught"
    await reading.aclose()
    assert ended.said(a.OUTPUT) == ["a", "caught"]


async def test_an_async_generator_runs_in_its_own_span_and_its_consumer_does_not(ended: Ended) -> None:
    @evalspan.trace
    async def letters() -> AsyncGenerator[str]:
        for letter in "ab":
            with evalspan.span(letter):
                yield letter

    async for letter in letters():
        with evalspan.span(f"used {letter}"):
            pass
    assert ended.parent_of("a") == ended.parent_of("b") == "letters"
    assert ended.names[-1] == "letters"


def raising() -> None:
    raise ValueError("no luck")


async def async_raising() -> None:
    raise ValueError("no luck")


def generating() -> Generator[int]:
    yield 1
    raise ValueError("no luck")


@pytest.mark.parametrize("use", [
    evalspan.trace(raising),
    lambda: asyncio.run(evalspan.trace(async_raising)()),
    lambda: list(evalspan.trace(generating)()),
])  # fmt: skip
def test_an_error_is_recorded_and_goes_on(use: Callable[[], Any], ended: Ended) -> None:
    with pytest.raises(ValueError, match="no luck"):
        use()
    (event,) = ended.one().events
    assert ended.said(a.ERROR_TYPE) == (event.attributes or {})[a.EXCEPTION_TYPE] == "ValueError"
    assert ended.one().status.description == "no luck"


def test_a_tool_is_recorded_by_the_conventions(ended: Ended) -> None:
    with evalspan.span("weather", span_type="TOOL", input={"city": "Lima"}) as tool:
        tool.set_output({"celsius": 19})
    assert ended.one().name == "execute_tool weather"
    assert (ended.said(a.OPERATION_NAME), ended.said(a.TOOL_NAME)) == ("execute_tool", "weather")
    assert (ended.said(a.TOOL_CALL_ARGUMENTS), ended.said(a.TOOL_CALL_RESULT)) == (
        {"city": "Lima"}, {"celsius": 19},
    )  # fmt: skip


async def test_a_span_is_an_async_context_manager_too(ended: Ended) -> None:
    async with evalspan.span("outer"), evalspan.span("inner") as step:
        step.set_attribute("shop.items", 3)
    assert ended.parent_of("inner") == "outer"


def test_methods_are_recorded_without_their_object(ended: Ended) -> None:
    class Shop:
        @evalspan.trace
        @classmethod
        def named(cls, name: str) -> str:
            return f"{cls.__name__} {name}"

    assert Shop.named("A") == "Shop A"
    assert ended.said(a.INPUT) == {"name": "A"}


def test_an_unknown_type_is_refused_where_it_is_written() -> None:
    with pytest.raises(UsageError, match=r"span_type='TOOOL': use one of AGENT, CHAIN"):
        evalspan.span("x", span_type="TOOOL")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("not for your eyes")


def test_what_cannot_be_recorded_is_left_out(ended: Ended) -> None:
    thing = Unprintable()
    assert evalspan.trace(lambda thing: thing)(thing) is thing
    assert ended.said(a.INPUT) is None
    assert troubles()["content of a span not recorded"] >= 2


def test_arguments_whose_names_say_secret_are_masked(ended: Ended) -> None:
    @evalspan.trace
    def call(api_key: str, headers: dict[str, str], max_tokens: int) -> None:
        assert (api_key, headers["Authorization"]) == ("sk-1", "Bearer 2")

    call("sk-1", {"Authorization": "Bearer 2", "Accept": "*/*"}, 5)
    assert ended.said(a.INPUT) == {
        "api_key": "[masked]", "headers": {"Authorization": "[masked]", "Accept": "*/*"}, "max_tokens": 5,
    }  # fmt: skip


def test_outside_an_experiment_no_content_is_recorded_unless_asked_for(ended: Ended) -> None:
    content.configure("auto")
    with evalspan.span("step", input="private") as step:
        step.set_output("private")
    assert "private" not in str(ended.one().attributes)


def test_inside_an_experiment_content_is_recorded_unless_turned_off(ended: Ended) -> None:
    token = context.attach(baggage.set_baggage(a.EXPERIMENT_ID, "e-1"))
    try:
        for mode in ("auto", "off"):
            content.configure(mode)
            with evalspan.span(mode, input="private"):
                pass
    finally:
        context.detach(token)
    found = {span.name: a.INPUT in (span.attributes or {}) for span in ended}
    assert found == {"auto": True, "off": False}
