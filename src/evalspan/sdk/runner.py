"""Running an experiment: every record of every iteration, and nothing lost of it.

Whatever stops a run, what was done is delivered and the service is told how it ended, before the
reason is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalspan.capture import content
from evalspan.errors import EvalspanError
from evalspan.model import ExperimentStatus, Record
from evalspan.sdk import history, lifecycle
from evalspan.sdk.calls import Limits
from evalspan.sdk.cases import Cases
from evalspan.sdk.ledger import Account
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.progress import Progress
from evalspan.sdk.result import ExperimentResult, Row, SummaryScore, check_delivery
from evalspan.sdk.session import Session
from evalspan.sdk.threads import Threads

if TYPE_CHECKING:
    from evalspan.sdk.experiment import Experiment

# How often a run on the event loop looks whether the delivery has room again.
_ROOM_POLL = 0.02


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
        self._session = session
        self._records = records
        self._runtime = runtime
        self._threads = threads
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
        self._runtime.delivery.ledger.open(self._session.experiment_id)
        stopped: BaseException | None = None
        try:
            for iteration in range(1, self._experiment.runs + 1):
                await self._iteration(iteration)
        except BaseException as error:
            stopped = error
        self._progress.close()
        result, trouble = await self._finish(stopped)
        self._experiment.result = result
        history.note(result.name, [row.record_id for row in result.failures])
        if stopped is not None:
            raise stopped
        check_delivery(result, trouble)
        return result

    async def _iteration(self, iteration: int) -> None:
        waiting = iter(self._records)
        workers = min(self._jobs, len(self._records))
        await _all(self._work(waiting, iteration) for _ in range(workers))
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
            while not self._runtime.delivery.has_room():  # noqa: ASYNC110 - threads make the room
                await asyncio.sleep(_ROOM_POLL)

    async def _finish(self, stopped: BaseException | None) -> tuple[ExperimentResult, EvalspanError | None]:
        """Waits for delivery, tells the service how it ended, and makes the result."""
        account = await self._threads.run(lambda: self._drain(patient=stopped is None))
        lifecycle.processor.forget(self._session.experiment_id)
        rows = [
            self._rows[record.id, iteration]
            for iteration in range(1, self._experiment.runs + 1)
            for record in self._records
            if (record.id, iteration) in self._rows
        ]
        status, error = self._verdict(rows, account, stopped)
        trouble = await self._threads.run(lambda: self._report(status, error, account))
        result = ExperimentResult(
            experiment_id=self._session.experiment_id,
            name=self._session.name,
            url=self._session.url,
            status=status,
            rows=rows,
            summary_scores=self._summary_scores,
            delivery=account,
            evaluators=self._experiment.evaluator_names,
            expected=len(self._records) * self._experiment.runs,
        )
        return result, trouble

    def _drain(self, *, patient: bool) -> Account:
        """Waits while delivery gets anywhere; each lane gives up on its own after `delivery_timeout`."""
        delivery, settings = self._runtime.delivery, self._runtime.settings
        experiment_id = self._session.experiment_id
        if not patient:
            delivery.flush(settings.exit_timeout, experiment_id)
            return delivery.ledger.account(experiment_id)
        while True:
            before = delivery.ledger.account(experiment_id).pending
            delivery.flush(settings.delivery_timeout + 30, experiment_id)
            account = delivery.ledger.account(experiment_id)
            if account.pending in (0, before):
                return account

    def _report(self, status: ExperimentStatus, error: str, account: Account) -> EvalspanError | None:
        # What did not get through tells that the service is away: no use in waiting for it again.
        patience = None if account.complete else 1.0
        try:
            told = content.told(error)
            self._runtime.client.update_experiment(self._session.experiment_id, status, told, patience)
        except EvalspanError as trouble:
            return trouble
        return None

    def _verdict(
        self, rows: list[Row], account: Account, stopped: BaseException | None
    ) -> tuple[ExperimentStatus, str]:
        """How it ended. Failed rows are results: only when every row failed has the experiment."""
        failures = [row for row in rows if row.error is not None]
        error = f"{len(failures)} of {len(rows)} rows failed: {failures[0].error}" if failures else ""
        if stopped is not None:
            return "interrupted", str(stopped) or type(stopped).__name__
        if not account.complete:
            return "failed", f"not everything was delivered: {account}"
        return ("failed" if failures and len(failures) == len(rows) else "completed"), error


async def _all(jobs: Iterable[Awaitable[None]]) -> None:
    """Runs them side by side; the first error ends them all and is raised as itself."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
