"""Calling the functions that people write: declared parameters only, in threads or in the loop,
with a time limit and retries.

A call is tried again after a rate limit (429), a timeout or a lost connection, and after nothing
else. A thread that overran its time cannot be killed: its result is ignored, and it costs no slot.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from evalspan.errors import UsageError
from evalspan.model import Json
from evalspan.sdk.threads import Threads

_FIRST_BACKOFF = 0.5
_MAX_BACKOFF = 30.0


@dataclass(frozen=True)
class Limits:
    """How long one attempt may take, and how many more there may be."""

    timeout: float | None = None
    retries: int = 2

    @classmethod
    def checked(cls, timeout: float | None, retries: int) -> Limits:
        """Raises UsageError for what makes no sense."""
        if retries < 0:
            raise UsageError(f"retries={retries!r} must be at least 0.")
        if timeout is not None and timeout <= 0:
            raise UsageError(f"timeout={timeout!r} must be more than 0 seconds.")
        return cls(timeout, retries)


class CallFailed(Exception):
    """A call failed for good: with which exception, and after how many retries."""

    def __init__(self, cause: Exception, retries: int) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.retries = retries


class Function:
    """A user's function that takes some of the named arguments on offer."""

    def __init__(self, function: Callable[..., Any], *, offers: tuple[str, ...], what: str) -> None:
        """`offers`: what is passed, in the order for parameters that are positional only.

        Raises:
            UsageError: not callable, or a required parameter is not on offer.
        """
        if not callable(function):
            raise UsageError(f"{what} must be a function, not {function!r}.")
        self.function = function
        self.name = name_of(function)
        self._is_async = is_async(function)
        self._positional, self._keywords = _parameters(function, offers, f"{what} {self.name!r}")

    async def call(self, arguments: Mapping[str, Any], limits: Limits, threads: Threads) -> tuple[Any, int]:
        """What it returned, and how many retries that took.

        Raises:
            CallFailed: it failed for good.
        """
        retries = 0
        while True:
            try:
                async with asyncio.timeout(limits.timeout):
                    return await self._once(arguments, threads), retries
            except Exception as error:
                if retries >= limits.retries or not is_transient(error):
                    raise CallFailed(_clear(error, limits.timeout), retries) from error
                await asyncio.sleep(_pause(error, retries))
                retries += 1

    async def _once(self, arguments: Mapping[str, Any], threads: Threads) -> Any:
        positional = [arguments[name] for name in self._positional]
        keywords = {name: arguments[name] for name in self._keywords}
        if self._is_async:
            return await _awaited(self.function(*positional, **keywords))
        context = contextvars.copy_context()
        result: Any = await threads.run(lambda: context.run(self.function, *positional, **keywords))
        # A plain function may hand back a coroutine (a lambda around an async one, say).
        return await _awaited(cast("Awaitable[Any]", result)) if isinstance(result, Awaitable) else result


async def _awaited(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody cancelled us: something inside gave up, which is its failure and not the run's end.
        raise RuntimeError("cancelled from within") from error


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine, as far as can be told without calling it."""
    call = getattr(function, "__call__", function)  # noqa: B004 - the method, to see whether it is async
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """Its signature; some built-in functions have none."""
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def accepts(function: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many arguments by position, as far as its signature tells."""
    signature = signature_of(function)
    try:
        if signature is not None:
            signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def named_arguments(
    signature: inspect.Signature | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Json]:
    """The arguments of a call by the names of the parameters, `self` and `cls` left out."""
    try:
        if signature is not None:
            given = dict(signature.bind(*args, **kwargs).arguments)
            return {name: value for name, value in given.items() if name not in ("self", "cls")}
    except TypeError:  # wrong arguments: the function says so itself
        pass
    return {"args": list(args), **kwargs}


def name_of(function: Any) -> str:
    """A function's name: its `.name`, `__name__`, or its class's name."""
    for candidate in (getattr(function, "name", None), getattr(function, "__name__", None)):
        if isinstance(candidate, str) and candidate:
            return candidate
    inner = getattr(function, "func", None)  # functools.partial
    return name_of(inner) if inner is not None else type(function).__name__


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: a rate limit, a timeout, a lost connection.

    Clients name these differently (httpx, requests, openai, anthropic), so it goes by the status
    code that they carry, then by the names of the exception's classes.
    """
    status = _status(error)
    if status is not None:
        return status in (408, 429)
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(
        names & {"APIConnectionError", "APITimeoutError", "RateLimitError", "TransportError", "Timeout"}
    ) or any(
        name in ("ConnectionError", "ConnectError", "NetworkError", "TimeoutException") for name in names
    )


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for attribute in ("status_code", "status"):
            status = getattr(holder, attribute, None)
            if isinstance(status, int):
                return status
    return None


def _pause(error: BaseException, retries: int) -> float:
    """Exponential backoff with jitter; a server's Retry-After in seconds goes first."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    try:
        return min(float(headers["retry-after"]), _MAX_BACKOFF)  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return min(_FIRST_BACKOFF * 2**retries, _MAX_BACKOFF) * random.uniform(0.5, 1)


def _clear(error: Exception, timeout: float | None) -> Exception:
    """asyncio's timeouts have no message."""
    if isinstance(error, TimeoutError) and not str(error) and timeout is not None:
        return TimeoutError(f"no answer within {timeout:g} s")
    return error


def _parameters(
    function: Callable[..., Any], offers: tuple[str, ...], what: str
) -> tuple[list[str], list[str]]:
    """Which of the offers a function takes: by position only, and by name."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins have no signature: everything by position
        return list(offers), []
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
        return list(offers[: len(named)]), list(offers[len(named) :])
    by_position = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
    positional = list(offers[:by_position])
    keywords = [p.name for p in parameters if p.name in offers and p.kind is not p.POSITIONAL_ONLY]
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            continue
        if parameter.default is parameter.empty and parameter.name not in offers:
            raise UsageError(
                f"{what} requires a parameter {parameter.name!r}; what can be passed is {', '.join(offers)}."
            )
    return positional, keywords
