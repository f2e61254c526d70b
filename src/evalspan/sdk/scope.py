"""The experiment that `eval` and `eval_dataset` run in: which one it is, and all that it came to.

Cases of one record are its run iterations, in the order in which they were asked for. One record has one
input: an id that stands for two would mix them in every mean.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from opentelemetry import context as otel_context

from evalspan.errors import UsageError
from evalspan.model import Json, Record, dump
from evalspan.sdk import context as case_context
from evalspan.sdk.calls import Function, Limits
from evalspan.sdk.cases import Cases
from evalspan.sdk.dataset import Dataset
from evalspan.sdk.ending import Done, Ending
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.result import ExperimentResult, Row, check_delivery
from evalspan.sdk.returned import Reader
from evalspan.sdk.session import Key, Session
from evalspan.sdk.threads import Threads

R = TypeVar("R")

_KEY = otel_context.create_key("evalspan-scope")


@dataclass
class Work:
    """A function over cases: what `Cases` executes."""

    name: str
    config: dict[str, Json]
    metadata: dict[str, Json]
    tags: list[str]
    task_function: Function
    evaluator_functions: list[Function]


class Scope:
    """One running experiment."""

    def __init__(
        self,
        session: Session,
        runtime: Runtime,
        threads: Threads,
        described: Mapping[str, Any],
        limits: Limits,
    ) -> None:
        """`described`: the experiment's `name`, `metadata` and `tags`."""
        self.session = session
        self._described = described
        self._limits = limits
        self._runtime = runtime
        self._threads = threads
        self._ending = Ending(session, runtime, threads)
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._iterations: Counter[str] = Counter()
        self._inputs: dict[str, bytes] = {}
        self._asked: list[Key] = []
        self._rows: dict[Key, Row] = {}
        self._evaluators: dict[str, None] = {}  # a set that keeps the order
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, body: Callable[[], Awaitable[Any]]) -> ExperimentResult:
        """Runs the body and whatever it started; either way everything done is delivered.

        Raises:
            IncompleteDelivery: a loss. What the body raised.
        """
        self._ending.begin()
        stopped: BaseException | None = None
        token = otel_context.attach(otel_context.set_value(_KEY, self))
        try:
            await body()
            await self._all_ended()
        except BaseException as error:
            stopped = error
        finally:
            otel_context.detach(token)
            self._closed = True
        await self._cancel()
        result, trouble = await self._ending.finish(self._done(), stopped)
        if stopped is not None:
            stopped.add_note(f"in the experiment {result.name!r}, {result.url}")
            raise stopped
        check_delivery(result, trouble)
        return result

    async def store(self, dataset: Dataset) -> None:
        """Stores a dataset that has a name and is not stored yet."""
        if dataset.name and not dataset.id:
            await self._threads.run(lambda: dataset.push(self.session.project))

    def cases(
        self, task: Function, evaluators: list[Function], name: str, dataset: Dataset | None, *, bare: bool
    ) -> Cases:
        """What executes cases of one function; `name` and `bare` as `Reader` has them."""
        names = [function.name for function in evaluators]
        self._evaluators |= dict.fromkeys(names)
        described = self._described
        work = Work(described["name"], {}, described["metadata"], described["tags"], task, evaluators)
        session = self.session if dataset is None else replace(self.session, dataset=dataset)
        reading = Reader(name, names, bare=bare)
        return Cases(work, session, self._runtime, self._threads, self._limits, reading=reading)

    def ask(self, records: Sequence[Record]) -> list[tuple[Record, int]]:
        """Each of these records with the run iteration that it is about to have.

        Raises:
            UsageError: an id has had another input. Then nothing is counted.
        """
        self._check(records)
        asked: list[tuple[Record, int]] = []
        for record in records:
            self._iterations[record.id] += 1
            asked.append((record, self._iterations[record.id]))
        self._asked += [(record.id, iteration) for record, iteration in asked]
        return asked

    def check_open(self, what: str) -> None:
        """Raises UsageError where it can take no more cases."""
        if self._closed or asyncio.get_running_loop() is not self._loop:
            raise UsageError(
                f"{what}: the experiment {self.session.name!r} is over, or runs on another event loop; await "
                "its evals in its own function."
            )

    async def hold(self, cases: Coroutine[Any, Any, R]) -> R:
        """Cases to the end, their own or the experiment's, whoever waits for them."""
        task = self._loop.create_task(cases)
        self._running.add(task)
        try:
            return await task
        finally:
            self._running.discard(task)

    async def execute(self, cases: Cases, record: Record, iteration: int) -> Row:
        """One case."""
        row = await cases.run(record, iteration)
        self._rows[record.id, iteration] = row
        self._evaluators |= dict.fromkeys(row.evaluations)
        return row

    def _check(self, records: Sequence[Record]) -> None:
        found: dict[str, bytes] = {}
        for record in records:
            digest = hashlib.sha256(dump(record.input).encode()).digest()
            known = self._inputs.get(record.id) or found.setdefault(record.id, digest)
            if known != digest:
                raise UsageError(
                    f"The record id {record.id!r} stands for two inputs in one experiment, the second is "
                    f"{dump(record.input):.80}: give each an id of its own."
                )
        self._inputs |= found

    async def _all_ended(self) -> None:
        """Waits for what the body started and did not await."""
        while True:
            await asyncio.sleep(0)  # a task that was made last may not have begun
            if not self._running:
                return
            await asyncio.wait(self._running)

    async def _cancel(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self) -> Done:
        rows = [self._rows[key] for key in sorted(self._asked, key=lambda key: key[1]) if key in self._rows]
        counts = set(self._iterations.values())
        facts: dict[str, Json] = {"run_count": max(counts, default=1)}
        if len(counts) == 1:  # else there is no number of records that each iteration would have
            facts["expected_records"] = len(self._iterations)
        return Done(rows, list(self._evaluators), len(self._asked), facts=facts)


def current(what: str) -> Scope:
    """The experiment of the running code.

    Raises:
        UsageError: there is none, or it takes no more cases.
    """
    found = otel_context.get_value(_KEY)
    if isinstance(found, Scope):
        found.check_open(what)
        return found
    if case_context.current() is not None:
        raise UsageError(f"{what} stands inside another case: call it in the experiment's own function.")
    raise UsageError(
        f"{what} runs in an experiment only: call it in an async function that is decorated with "
        "@evalspan.experiment(...)."
    )
