"""`@evalspan.trace`: every call of a function as a span, with what it took and what it gave.

A generator's span lasts until it is exhausted or closed, and is the current one only while the
generator's own code runs: its consumer never finds itself inside.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast, overload

from evalspan.capture import content
from evalspan.capture.trouble import note
from evalspan.model import Json
from evalspan.sdk.calls import named_arguments, signature_of
from evalspan.sdk.step import known_type, span

P = ParamSpec("P")
R = TypeVar("R")

_MAX_ITEMS = 1024 * 1024  # characters of yielded items that the output of a generator keeps


@overload
def trace(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def trace(
    *, name: str | None = None, span_type: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def trace(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, span_type: str | None = None
) -> Any:
    """Records every call of a function (sync, async, or a generator of either kind) as a span.

    Args:
        function: The function, where the decorator stands without parentheses.
        name: The span's name; the function's by default.
        span_type: As in `span`.

    Raises:
        UsageError: there is no such span type.
    """
    kind = known_type(span_type)
    if function is None:
        return lambda decorated: trace_as(decorated, name, kind)  # pyright: ignore[reportUnknownVariableType] (a lambda cannot be annotated)
    return trace_as(function, name, kind)


def trace_as(function: Any, name: str | None, kind: str) -> Any:
    """The function with a span around each call."""
    if isinstance(function, staticmethod | classmethod):
        method = cast("staticmethod[..., Any] | classmethod[Any, ..., Any]", function)
        return type(method)(trace_as(method.__func__, name, kind))
    begin = _Begin(function, name or getattr(function, "__name__", type(function).__name__), kind)
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, begin)
    if inspect.isgeneratorfunction(function):
        return _generator(function, begin)
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, begin)
    return _plain(function, begin)


class _Begin:
    """Starts the span of a call."""

    def __init__(self, function: Callable[..., Any], name: str, kind: str) -> None:
        self._name = name
        self._kind = kind
        self._signature = signature_of(function)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> span:
        step = span(self._name, span_type=self._kind).start()
        if step.keeps_content:
            step.set_input(named_arguments(self._signature, args, kwargs))
        return step


def _plain(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        step = begin(args, kwargs)
        try:
            with step.active():
                result = function(*args, **kwargs)
        except BaseException as error:
            step.end(error)
            raise
        step.set_output(result)
        step.end()
        return result

    return traced


def _coroutine(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> Any:
        step = begin(args, kwargs)
        try:
            with step.active():
                result = await function(*args, **kwargs)
        except BaseException as error:
            step.end(error)
            raise
        step.set_output(result)
        step.end()
        return result

    return traced


def _generator(function: Callable[..., Generator[Any, Any, Any]], begin: _Begin) -> Callable[..., Any]:
    @wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        items = _Items(begin(args, kwargs))
        try:
            with items.step.active():
                generator = function(*args, **kwargs)
            return (yield from _driven(generator, items))
        except BaseException as error:
            items.end(error)
            raise
        finally:
            items.end()

    return traced


def _driven(generator: Generator[Any, Any, Any], items: _Items) -> Generator[Any, Any, Any]:
    """The generator, the span current while its code runs."""
    resume: Callable[[], Any] = lambda: next(generator)  # noqa: E731
    while True:
        try:
            with items.step.active():
                item = resume()
        except StopIteration as stop:
            return stop.value
        items.add(item)
        try:
            resume = partial(generator.send, (yield item))
        except GeneratorExit:
            with items.step.active():
                generator.close()
            raise
        except BaseException as error:
            resume = partial(generator.throw, error)


def _async_generator(function: Callable[..., AsyncGenerator[Any, Any]], begin: _Begin) -> Callable[..., Any]:
    @wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        items = _Items(begin(args, kwargs))
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = lambda: anext(generator)  # noqa: E731
        try:
            while True:
                try:
                    with items.step.active():
                        item = await resume()
                except StopAsyncIteration:
                    return
                items.add(item)
                try:
                    resume = partial(generator.asend, (yield item))
                except GeneratorExit:
                    with items.step.active():
                        await generator.aclose()
                    raise
                except BaseException as error:
                    resume = partial(generator.athrow, error)
        except BaseException as error:
            items.end(error)
            raise
        finally:
            items.end()

    return traced


class _Items:
    """The span of a generator, and what was yielded as far as there is room."""

    def __init__(self, step: span) -> None:
        self.step = step
        self._texts: list[str] = []
        self._size = 0
        self._ended = False

    def add(self, item: Json) -> None:
        """One more item."""
        if not self.step.keeps_content or self._size > _MAX_ITEMS:
            return
        try:
            text = content.recordable(item)
        except Exception as trouble:
            note("content of a span not recorded", type(trouble).__qualname__)
            return
        if text is not None:
            self._texts.append(text)
            self._size += len(text)

    def end(self, error: BaseException | None = None) -> None:
        """The generator is over; later endings say nothing new."""
        if self._ended:
            return
        self._ended = True
        if self.step.keeps_content:
            self.step.set_output_text(f"[{', '.join(self._texts)}]")
        self.step.end(error)
