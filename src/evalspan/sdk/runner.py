"""Running an experiment: every record of every iteration, and nothing lost of it.

Whatever stops a run, what was done is delivered and the service is told how it ended, before the
reason is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalspan.model import Record
from evalspan.sdk.calls import Limits
from evalspan.sdk.cases import Cases
from evalspan.sdk.ending import Done, Ending
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.progress import Progress
from evalspan.sdk.result import ExperimentResult, Row, SummaryScore, check_delivery
from evalspan.sdk.session import Session
from evalspan.sdk.threads import Threads

if TYPE_CHECKING:
    from evalspan.sdk.experiment import Experiment


@dataclass(frozen=True)
class Options:
    """How to run, as `Experiment.run` takes it."""

    jobs: int
    raise_errors: bool
    limits: Limits
    progress: bool | None


class Runner:
    """One run of one experiment."""

    def __init__(
        self,
        experiment: Experiment,
        session: Session,
        records: list[Record],
        runtime: Runtime,
        threads: Threads,
        options: Options,
    ) -> None:
        self._experiment = experiment
        self._records = records
        self._ending = Ending(session, runtime, threads)
        self._jobs = options.jobs
        self._cases = Cases(
            experiment, session, runtime, threads, options.limits, raise_errors=options.raise_errors
        )
        self._rows: dict[tuple[str, int], Row] = {}
        self._summary_scores: list[SummaryScore] = []
        total = len(records) * experiment.runs
        self._progress = Progress(session.name, total, options.progress)

    async def run(self) -> ExperimentResult:
        """Runs to the end, or to what stops it; either way everything done is delivered.

        Raises:
            TaskError: with `raise_errors`. IncompleteDelivery: a loss.
        """
        self._ending.begin()
        stopped: BaseException | None = None
        try:
            for iteration in range(1, self._experiment.runs + 1):
                await self._iteration(iteration)
        except BaseException as error:
            stopped = error
        self._progress.close()
        result, trouble = await self._ending.finish(self._done(), stopped)
        self._experiment.result = result
        if stopped is not None:
            raise stopped
        check_delivery(result, trouble)
        return result

    async def _iteration(self, iteration: int) -> None:
        waiting = iter(self._records)
        workers = min(self._jobs, len(self._records))
        await together(self._work(waiting, iteration) for _ in range(workers))
        rows = [self._rows[record.id, iteration] for record in self._records]
        for function in self._experiment.summary_functions:
            score = await self._cases.summarise(function, iteration, rows)
            self._summary_scores.append(SummaryScore(iteration, score))

    async def _work(self, waiting: Iterator[Record], iteration: int) -> None:
        """Takes one record after the other until there are none."""
        for record in waiting:
            row = await self._cases.run(record, iteration)
            self._rows[record.id, iteration] = row
            self._progress.step(failed=row.error is not None)

    def _done(self) -> Done:
        rows = [
            self._rows[record.id, iteration]
            for iteration in range(1, self._experiment.runs + 1)
            for record in self._records
            if (record.id, iteration) in self._rows
        ]
        expected = len(self._records) * self._experiment.runs
        return Done(rows, self._experiment.evaluator_names, expected, self._summary_scores)


async def together(jobs: Iterable[Awaitable[Any]]) -> None:
    """Runs them side by side; the first error ends them all and is raised as itself."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
