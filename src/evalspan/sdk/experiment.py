"""`evalspan.experiment`: what to run on what, and the running of it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, overload
from uuid import UUID

from evalspan.errors import UsageError
from evalspan.model import Json, Record
from evalspan.sdk import lifecycle, session
from evalspan.sdk.calls import Function, Limits
from evalspan.sdk.dataset import Dataset
from evalspan.sdk.pipelines import plan_of, refuse_if_disabled
from evalspan.sdk.result import ExperimentResult
from evalspan.sdk.runner import Options, Runner
from evalspan.sdk.threads import Threads

P = ParamSpec("P")

Task = Callable[..., Any]
Evaluator = Callable[..., Any]
Records = Dataset | Iterable[Mapping[str, Any] | Record]

_TASK_OFFERS = ("input_data", "config", "metadata")
_EVALUATOR_OFFERS = ("input_data", "output_data", "expected_output", "metadata", "config")
_SUMMARY_OFFERS = ("inputs", "outputs", "expected_outputs", "evaluators_results")


class Experiment:
    """A task over the records of a dataset, `runs` times, scored by evaluators."""

    def __init__(
        self,
        name: str,
        task: Task,
        dataset: Records,
        evaluators: Sequence[Evaluator] = (),
        summary_evaluators: Sequence[Evaluator] = (),
        *,
        runs: int = 1,
        config: Mapping[str, Json] | None = None,
        description: str = "",
        metadata: Mapping[str, Json] | None = None,
        tags: Sequence[str] = (),
        project: str | None = None,
    ) -> None:
        """Raises UsageError for what could not run."""
        if not name:
            raise UsageError("An experiment needs a name.")
        if runs < 1:
            raise UsageError(f"runs={runs!r} must be at least 1.")
        if isinstance(tags, str):
            raise UsageError(f"tags={tags!r} must be a list of strings.")
        self.name = name
        self.dataset = dataset if isinstance(dataset, Dataset) else Dataset(dataset)
        if not len(self.dataset):
            raise UsageError(f"Experiment {name!r} has no records: the dataset is empty.")
        self.runs = runs
        self.config = dict(config or {})
        self.description = description
        self.metadata = dict(metadata or {})
        self.tags = list(tags)
        self.project = project
        self.task_function = Function(task, offers=_TASK_OFFERS, what="the task")
        self.evaluator_functions = evaluator_functions(evaluators)
        self.summary_functions = _functions(summary_evaluators, _SUMMARY_OFFERS, "the summary evaluator")
        self.id = ""
        """The id of its last run at the service."""
        self.url = ""
        """Where its last run can be looked at."""
        self.result: ExperimentResult | None = None
        """The last run's result, also where `run` raised."""

    @property
    def evaluator_names(self) -> list[str]:
        return [function.name for function in self.evaluator_functions]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The task itself: what a decorated function was."""
        return self.task_function.function(*arguments, **named)

    def __repr__(self) -> str:
        return f"Experiment({self.name!r}, {len(self.dataset)} records, runs={self.runs})"

    def run(
        self,
        jobs: int = 10,
        raise_errors: bool = False,
        sample_size: int | None = None,
        resume: str | bool | None = None,
        timeout: float | None = None,
        retries: int = 2,
        progress: bool | None = None,
    ) -> ExperimentResult:
        """Runs the experiment and waits until the service has acknowledged everything.

        Args:
            jobs: How many cases run at the same time.
            raise_errors: Stop at the first failure of a task or evaluator, and raise it.
            sample_size: Only the first so many records.
            resume: An experiment's id or unique name, or True for the latest of this name: run
                what is missing of it, (record, run iteration) by (record, run iteration).
            timeout: Seconds that one attempt of the task, or of an evaluator, may take.
            retries: Further attempts after a rate limit, a timeout or a lost connection.
            progress: Show a progress line; by default on a terminal only.

        Raises:
            TaskError: with `raise_errors`. DeliveryError: something was not acknowledged.
            KeyboardInterrupt: after Ctrl-C, when what was done is delivered; see `result`.
            ServiceError, UsageError.
        """
        running = self.arun(jobs, raise_errors, sample_size, resume, timeout, retries, progress)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(running)
        return _run_in_thread(running)  # a notebook: the loop there is the notebook's

    async def arun(
        self,
        jobs: int = 10,
        raise_errors: bool = False,
        sample_size: int | None = None,
        resume: str | bool | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of one attempt, not of this call
        retries: int = 2,
        progress: bool | None = None,
    ) -> ExperimentResult:
        """`run`, on the event loop of the caller."""
        limits = Limits.checked(timeout, retries)
        for option, value in (("jobs", jobs), ("sample_size", sample_size)):
            if value is not None and value < 1:
                raise UsageError(f"{option}={value!r} must be at least 1.")
        refuse_if_disabled()
        runtime = lifecycle.start()
        records = list(self.dataset)[:sample_size]
        project = self.project or self.dataset.project or runtime.settings.project
        threads = Threads()
        try:
            opened = await threads.run(
                lambda: session.open_session(self, runtime.client, project, len(records), resume)
            )
            self.id, self.url = opened.experiment_id, opened.url
            options = Options(jobs, raise_errors, limits, progress)
            return await Runner(self, opened, records, runtime, threads, options).run()
        finally:
            threads.close()


@overload
def experiment(
    *,
    name: str,
    task: Task,
    dataset: Records,
    evaluators: Sequence[Evaluator] = ...,
    summary_evaluators: Sequence[Evaluator] = ...,
    runs: int = ...,
    config: Mapping[str, Json] | None = ...,
    description: str = ...,
    metadata: Mapping[str, Json] | None = ...,
    tags: Sequence[str] = ...,
    project: str | None = ...,
) -> Experiment: ...


@overload
def experiment(
    *,
    name: str,
    task: None = None,
    dataset: Records,
    evaluators: Sequence[Evaluator] = ...,
    summary_evaluators: Sequence[Evaluator] = ...,
    runs: int = ...,
    config: Mapping[str, Json] | None = ...,
    description: str = ...,
    metadata: Mapping[str, Json] | None = ...,
    tags: Sequence[str] = ...,
    project: str | None = ...,
) -> Callable[[Task], Experiment]: ...


@overload
def experiment(
    *,
    pipeline_id: str | UUID | None = ...,
    project: str | None = ...,
    name: str | None = ...,
    description: str = ...,
    metadata: Mapping[str, Json] | None = ...,
    tags: Sequence[str] = ...,
    timeout: float | None = ...,
    retries: int = ...,
) -> Callable[[Callable[P, Awaitable[Any]]], Callable[P, Coroutine[Any, Any, ExperimentResult]]]: ...


@overload
def experiment(
    body: Callable[P, Awaitable[Any]], /
) -> Callable[P, Coroutine[Any, Any, ExperimentResult]]: ...


def experiment(body: Any = None, /, **given: Any) -> Any:
    """An experiment: of a task over a dataset, or of what a function evaluates.

    With `dataset`, the experiment of a task; without `task`, a decorator for the task function. A task
    takes `(input_data, config, metadata)`, an evaluator `(input_data, output_data, expected_output)` and,
    if it likes, `metadata` and `config`; a summary evaluator takes `(inputs, outputs, expected_outputs,
    evaluators_results)`, once per run iteration. What a function does not declare is not passed. All may
    be async. An evaluator returns a bool, number, string, dict, list, None or `EvaluatorResult`.

    Without `dataset`, a decorator for an async function: each call of it is an experiment of the cases
    that it awaits with `eval` and `eval_dataset`, and gives the `ExperimentResult`. `pipeline_id` is the
    id of a project, `project` the name of one; `timeout` and `retries` are those of one case.

    Raises:
        UsageError: arguments that make no sense.
    """
    if "dataset" in given or given.get("task") is not None:
        return _of_task(body, **given)
    given.pop("task", None)
    plan = plan_of(given)
    return plan.decorate if body is None else plan.decorate(body)


def _of_task(body: Any, *, name: str = "", dataset: Any = None, task: Any = None, **given: Any) -> Any:
    if body is not None:
        raise UsageError(f"The arguments of an experiment are named: task={body!r:.80}?")
    if dataset is None:
        raise UsageError(f"Experiment {name!r} has a task and no dataset=.")

    def decorate(function: Task) -> Experiment:
        return Experiment(name, function, dataset, **given)

    return decorate if task is None else decorate(task)


def evaluator_functions(evaluators: Sequence[Evaluator]) -> list[Function]:
    """Evaluators, each with a name of its own.

    Raises:
        UsageError: one requires what is not on offer.
    """
    return _functions(evaluators, _EVALUATOR_OFFERS, "the evaluator")


def _functions(given: Sequence[Evaluator], offers: tuple[str, ...], what: str) -> list[Function]:
    functions = [Function(function, offers=offers, what=what) for function in given]
    counts = Counter(function.name for function in functions)
    seen: Counter[str] = Counter()
    for function in functions:
        # Lambdas, and functions of one name, are told apart by their order.
        if counts[function.name] > 1 or function.name == "<lambda>":
            name = "lambda" if function.name == "<lambda>" else function.name
            seen[name] += 1
            function.name = f"{name}_{seen[name]}"
    names = Counter(function.name for function in functions)
    if names and (top := names.most_common(1)[0])[1] > 1:
        raise UsageError(f"Two of {what}s would be called {top[0]!r}; give one a `.name`.")
    return functions


def _run_in_thread(running: Any) -> ExperimentResult:
    """A coroutine's result from a loop of its own in another thread; Ctrl-C cancels it there."""
    outcome: dict[str, Any] = {}
    loop = asyncio.new_event_loop()
    task = loop.create_task(running)

    def work() -> None:
        try:
            outcome["result"] = loop.run_until_complete(task)
        except BaseException as error:
            outcome["error"] = error
        finally:
            loop.close()

    thread = threading.Thread(target=work, name="evalspan-run", daemon=True)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]
