"""Calling user functions: what is passed, what is tried again, what a value means."""

from __future__ import annotations

import asyncio
import functools
import threading
from decimal import Decimal
from typing import Any

import httpx
import pytest

from evalspan import Evaluation, EvaluatorResult, UsageError
from evalspan.sdk.calls import CallFailed, Function, Limits, is_transient
from evalspan.sdk.threads import Threads

OFFERS = ("input_data", "config", "metadata")
GIVEN = {"input_data": 1, "config": {"c": 2}, "metadata": {"m": 3}}


def call(function: Any, limits: Limits | None = None) -> Any:
    async def run() -> Any:
        threads = Threads()
        try:
            wrapped = Function(function, offers=OFFERS, what="the task")
            return (await wrapped.call(GIVEN, limits or Limits(), threads))[0]
        finally:
            threads.close()

    return asyncio.run(run())


class Callable:
    def __call__(self, metadata: Any) -> Any:
        return metadata


class AsyncCallable:
    name = "judge"

    async def __call__(self, config: Any) -> Any:
        return config


async def declared_async(input_data: int, metadata: Any) -> Any:
    return input_data, metadata


def rate_limited(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://llm")
    response = httpx.Response(status, headers={"retry-after": "0"}, request=request)
    return httpx.HTTPStatusError("no", request=request, response=response)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda input_data: input_data, 1),
        (lambda config, input_data: (config, input_data), ({"c": 2}, 1)),
        (lambda **everything: everything, GIVEN),
        (lambda input_data, /, **rest: (input_data, rest), (1, {"config": {"c": 2}, "metadata": {"m": 3}})),
        (lambda: "nothing", "nothing"),
        (lambda input_data, extra=5: extra, 5),
        (lambda x, /: x, 1),
        (functools.partial(lambda factor, input_data: factor * input_data, 7), 7),
        (Callable(), {"m": 3}),
        (AsyncCallable(), {"c": 2}),
        (declared_async, (1, {"m": 3})),
        (lambda input_data: declared_async(input_data, None), (1, None)),
    ],
)
def test_a_function_gets_what_it_declares_and_nothing_else(function: Any, expected: Any) -> None:
    assert call(function) == expected


def test_a_parameter_that_nobody_passes_is_refused_before_the_run() -> None:
    def odd(prompt: str) -> None: ...

    with pytest.raises(UsageError, match=r"the task 'odd' requires a parameter 'prompt'.*input_data"):
        Function(odd, offers=OFFERS, what="the task")


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    "error", [rate_limited(429), httpx.ReadTimeout("slow"), httpx.ConnectError("gone"), TimeoutError("late")]
)
def test_what_may_pass_is_tried_again(kind: str, error: Exception) -> None:
    attempts: list[int] = []

    def sync_task() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise error
        return "third time"

    async def async_task() -> str:
        return sync_task()

    assert call(sync_task if kind == "sync" else async_task, Limits(retries=2)) == "third time"


@pytest.mark.parametrize("error", [ValueError("wrong"), rate_limited(400), rate_limited(500), KeyError("k")])
def test_what_cannot_pass_is_not_tried_again(error: Exception) -> None:
    attempts: list[int] = []

    def task() -> None:
        attempts.append(1)
        raise error

    with pytest.raises(CallFailed) as caught:
        call(task)
    assert (len(attempts), caught.value.cause) == (1, error)


def test_retries_end() -> None:
    attempts: list[int] = []

    async def task() -> None:
        attempts.append(1)
        raise rate_limited(429)

    with pytest.raises(CallFailed) as caught:
        call(task, Limits(retries=3))
    assert (len(attempts), caught.value.retries) == (4, 3)


def test_a_cancellation_from_within_is_the_tasks_failure() -> None:
    async def task() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CallFailed, match="cancelled from within"):
        call(task)


def test_the_errors_of_the_openai_package_are_known() -> None:
    openai = pytest.importorskip("openai")
    request = httpx.Request("POST", "http://llm")
    assert is_transient(openai.APIConnectionError(request=request))
    assert is_transient(openai.APITimeoutError(request))
    limited = httpx.Response(429, request=request)
    assert is_transient(openai.RateLimitError("slow down", response=limited, body=None))
    wrong = httpx.Response(400, request=request)
    assert not is_transient(openai.BadRequestError("no", response=wrong, body=None))


def test_threads_are_reused_and_a_stuck_one_costs_no_slot() -> None:
    release = threading.Event()
    names: set[str] = set()

    async def run() -> None:
        threads = Threads()
        stuck = asyncio.create_task(threads.run(lambda: release.wait(5)))
        for _ in range(50):
            names.add(str(await threads.run(threading.get_ident)))
            await asyncio.sleep(0.001)
        release.set()
        await stuck
        threads.close()

    asyncio.run(run())
    assert len(names) < 10


@pytest.mark.parametrize(
    ("returned", "kind", "value"),
    [
        (True, "boolean", True),
        (3, "score", 3),
        (0.5, "score", 0.5),
        ("good", "categorical", "good"),
        ({"a": 1}, "json", {"a": 1}),
        ([1, 2], "json", [1, 2]),
        ((1, 2), "json", [1, 2]),
        (None, "categorical", None),
        (Decimal("0.25"), "score", 0.25),
        (EvaluatorResult("fine", reasoning="because"), "categorical", "fine"),
    ],
)
def test_the_type_of_a_score_follows_from_its_value(returned: Any, kind: str, value: Any) -> None:
    evaluation = Evaluation.of("check", returned)
    assert (evaluation.type, evaluation.value, evaluation.error) == (kind, value, None)


@pytest.mark.parametrize("returned", [float("nan"), float("inf"), object(), {1, 2}])
def test_a_value_that_is_no_score_is_refused(returned: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="returned"):
        Evaluation.of("check", returned)


def test_numpy_values_are_scores() -> None:
    numpy = pytest.importorskip("numpy")
    assert Evaluation.of("check", numpy.bool_(True)).type == "boolean"
    assert Evaluation.of("check", numpy.float32(0.5)).number == 0.5
