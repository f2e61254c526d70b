"""`eval` and `eval_dataset`: cases inside a function that `@evalspan.experiment(...)` decorates.

A function that fails is a row with its error, and the others go on; `Row` says both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from evalspan.errors import UsageError
from evalspan.model import Json, Record
from evalspan.sdk import scope, testcases
from evalspan.sdk.calls import Function, accepts, is_async, name_of, named_arguments, signature_of
from evalspan.sdk.cases import Cases
from evalspan.sdk.dataset import Dataset, made_id
from evalspan.sdk.experiment import Evaluator, evaluator_functions
from evalspan.sdk.progress import Progress
from evalspan.sdk.result import Row
from evalspan.sdk.runner import together
from evalspan.sdk.scope import Scope
from evalspan.sdk.testcases import Data, Schema, TestCase

P = ParamSpec("P")
T = TypeVar("T")

_ABSENT: Any = object()


@overload
def eval(
    name: str,
    function: None = None,
    *,
    id: str = ...,
    input: Json = ...,
    expected_output: Json = ...,
    metadata: Mapping[str, Json] | None = ...,
    tags: Sequence[str] = ...,
    evaluators: Sequence[Evaluator] = ...,
) -> Callable[[Callable[P, Any]], Callable[P, Coroutine[Any, Any, Row]]]: ...


@overload
def eval(
    name: str,
    function: Callable[[], Any],
    *,
    id: str = ...,
    input: Json = ...,
    expected_output: Json = ...,
    metadata: Mapping[str, Json] | None = ...,
    tags: Sequence[str] = ...,
    evaluators: Sequence[Evaluator] = ...,
) -> Coroutine[Any, Any, Row]: ...


def eval(
    name: str,
    function: Callable[[], Any] | None = None,
    *,
    id: str = "",
    input: Json = _ABSENT,
    expected_output: Json = None,
    metadata: Mapping[str, Json] | None = None,
    tags: Sequence[str] = (),
    evaluators: Sequence[Evaluator] = (),
) -> Any:
    """One case of the experiment: `await eval("name", function)`, or `@eval(name="name")` above a function,
    sync or async, each of whose calls is then awaited and is a case.

    Args:
        name: What is checked.
        function: What to run. What it returns is the output; `score.<name>` in a mapping that it returns,
            or on its span, and an `EvaluatorResult`, a number or a boolean, are scores.
        id: Which record it is in every experiment; else the name, and a hash of the input where there is one.
        input: The input; else the arguments of the call.
        expected_output: What evaluators get as such.
        metadata: Of the record.
        tags: Of the record.
        evaluators: As of `evalspan.experiment`.

    Raises:
        UsageError: there is no name; outside an experiment, when it is awaited.
    """
    if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance] - @eval without ()
        raise UsageError(f"eval needs a name, not {name!r:.80}: @evalspan.eval(name=...).")
    record = Record(
        input=None,
        expected_output=expected_output,
        metadata={"name": name, **(metadata or {})},
        tags=list(tags),
    )
    single = _Single(name, id, input, record, evaluator_functions(evaluators))
    return single.decorate if function is None else single.decorate(function)()


class _Single:
    """One `eval`."""

    def __init__(self, name: str, id: str, input: Json, record: Record, evaluators: list[Function]) -> None:
        self._name = name
        self._id = id
        self._input = input
        self._record = record
        self._evaluators = evaluators

    def decorate(self, function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Row]]:
        if not callable(function):
            raise UsageError(f"eval {self._name!r} needs a function, not {function!r:.80}.")
        signature = signature_of(function)

        @functools.wraps(function)
        async def case(*args: Any, **kwargs: Any) -> Row:
            within = scope.current(f"eval {self._name!r}")
            given = named_arguments(signature, args, kwargs) if args or kwargs else _ABSENT
            [(record, iteration)] = within.ask([self._identified(given)])
            task = _task(function, lambda _record: (args, kwargs))
            cases = within.cases(task, self._evaluators, self._name, None, bare=True)
            return await within.hold(within.execute(cases, record, iteration))

        return case

    def _identified(self, given: Json) -> Record:
        """The record of a call: other inputs are other records."""
        input = given if self._input is _ABSENT else self._input
        found = {"id": self._id or self._name, "input": None if input is _ABSENT else input}
        if input is not _ABSENT and not self._id:
            found["id"] = f"{self._name}:{made_id(input)}"
        return self._record.model_copy(update=found)


@overload
async def eval_dataset(
    *,
    data: Data,
    interaction: Callable[[TestCase[T]], Any],
    schema: type[T],
    evaluators: Sequence[Evaluator] = ...,
    max_concurrency: int | None = ...,
    progress: bool | None = ...,
) -> list[Row]: ...


@overload
async def eval_dataset(
    *,
    data: Data,
    interaction: Callable[[TestCase[Any]], Any],
    schema: None = None,
    evaluators: Sequence[Evaluator] = ...,
    max_concurrency: int | None = ...,
    progress: bool | None = ...,
) -> list[Row]: ...


async def eval_dataset(
    *,
    data: Data,
    interaction: Callable[[TestCase[Any]], Any],
    schema: type[Any] | None = None,
    evaluators: Sequence[Evaluator] = (),
    max_concurrency: int | None = 10,
    progress: bool | None = None,
) -> list[Row]:
    """A function over test cases, each a case of the experiment; the rows are in the order of the data.

    Args:
        data: A `Dataset`, a list of cases (`TestInput`, `Record`, mappings), or a function that gives them.
            A dataset with a name is stored at the service, as experiments do.
        interaction: The function, sync or async; it gets a `TestCase`. Scores are found as in `eval`, but
            a bare number or boolean is its output and no score.
        schema: A type that checks the inputs, such as a pydantic model or a TypedDict; a case that does not
            fit is a failed row.
        evaluators: As of `evalspan.experiment`.
        max_concurrency: How many cases run at the same time; None for all.
        progress: Show a progress line; by default on a terminal only.

    Raises:
        UsageError: outside an experiment, or the data is wrong.
    """
    within = scope.current("eval_dataset")
    if not callable(interaction) or not accepts(interaction, 1):
        raise UsageError(f"interaction={interaction!r:.80} must be a function of one test case.")
    if max_concurrency is not None and max_concurrency < 1:
        raise UsageError(f"max_concurrency={max_concurrency!r} must be at least 1, or None for no limit.")
    checked = Schema[Any](schema)
    task = _task(interaction, lambda record: ((checked.case(record),), {}))
    judges, name = evaluator_functions(evaluators), name_of(interaction)

    async def whole() -> list[Row]:
        found = await testcases.load(data)
        dataset = found if isinstance(found, Dataset) else None
        if dataset is not None:
            await within.store(dataset)
        asked = within.ask(list(found))
        shown = Progress(within.session.name, len(asked), progress)
        cases = within.cases(task, judges, name, dataset, bare=False)
        return await _side_by_side(within, cases, asked, max_concurrency, shown)

    return await within.hold(whole())


async def _side_by_side(
    within: Scope, cases: Cases, asked: list[tuple[Record, int]], limit: int | None, shown: Progress
) -> list[Row]:
    rows: dict[int, Row] = {}

    async def work(waiting: Iterator[tuple[int, tuple[Record, int]]]) -> None:
        for place, (record, iteration) in waiting:
            rows[place] = await within.execute(cases, record, iteration)
            shown.step(failed=rows[place].error is not None)

    waiting = iter(enumerate(asked))
    try:
        await together(work(waiting) for _ in range(min(limit or len(asked), len(asked))))
    finally:
        shown.close()
    return [rows[place] for place in range(len(asked))]


def _task(
    function: Callable[..., Any], arguments: Callable[[Record], tuple[Sequence[Any], Mapping[str, Any]]]
) -> Function:
    """A function whose arguments are made of the record, sync or async as it is."""

    def call(record: Record) -> Any:
        args, kwargs = arguments(record)
        return function(*args, **kwargs)

    async def call_async(record: Record) -> Any:
        return await call(record)

    return Function(call_async if is_async(function) else call, offers=("record",), what="the function")
