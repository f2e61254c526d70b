"""Running an experiment: every record, every iteration, every evaluator, and nothing lost of it.

The case span lasts as long as the task, so that its duration is the task's; evaluator spans are its
children and come after it. A failed task is a result: its evaluators are not run, its scores are
missing, not zero. An execution that was cut off ends no span: to the service it never happened.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode

from evalspan import attributes
from evalspan.errors import EvalspanError, TaskError
from evalspan.model import ExperimentStatus, Json, Record, dump
from evalspan.sdk import evaluation, history, lifecycle, measure
from evalspan.sdk.calls import CallFailed, Function, Limits
from evalspan.sdk.context import Case
from evalspan.sdk.evaluation import Evaluation, attribute_value
from evalspan.sdk.ledger import Account
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.progress import Progress
from evalspan.sdk.result import ExperimentResult, Row, SummaryScore, check_delivery
from evalspan.sdk.session import Session, fill
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
        self._options = options
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
        workers = min(self._options.jobs, len(self._records))
        await _all(self._work(waiting, iteration) for _ in range(workers))
        rows = [self._rows[record.id, iteration] for record in self._records]
        for function in self._experiment.summary_functions:
            await self._summarise(function, iteration, rows)

    async def _work(self, waiting: Iterator[Record], iteration: int) -> None:
        """Takes one record after the other until there are none."""
        for record in waiting:
            row = await self._case(record, self._session.case(iteration, record.id))
            self._rows[record.id, iteration] = row
            self._progress.step(failed=row.error is not None)
            while not self._runtime.delivery.has_room():  # noqa: ASYNC110 - threads make the room
                await asyncio.sleep(_ROOM_POLL)

    async def _case(self, record: Record, case: Case) -> Row:
        row = self._session.prior.get((record.id, case.run_iteration))
        # What failed before gets another try: resuming is for having all results.
        row = await self._execute(record, case) if row is None or row.error else fill(row, record)
        if row.error is None:
            for function in self._experiment.evaluator_functions:
                if function.name not in row.evaluations:
                    row.evaluations[function.name] = await self._evaluate(function, record, case, row)
        return row

    async def _execute(self, record: Record, case: Case) -> Row:
        """The task on one record, in its case span."""
        within = case.enter(Context())
        values = self._case_values(record)
        span = self._runtime.start_span(self._experiment.name, within, values)
        identity = span.get_span_context()
        row = Row(record.id, case.run_iteration, record.input, expected_output=record.expected_output)
        row.trace_id, row.span_id = f"{identity.trace_id:032x}", f"{identity.span_id:016x}"
        started = asyncio.get_running_loop().time()
        try:
            row.output, row.retries = await self._call_within(
                trace.set_span_in_context(span, within), self._experiment.task_function, self._given(record)
            )
        except CallFailed as failure:
            self._book(row, span, failure)
            if self._options.raise_errors:
                self._end(span, values, row)
                raise TaskError(f"The task failed on record {record.id!r}: {row.error}") from failure.cause
        row.duration_ms = (asyncio.get_running_loop().time() - started) * 1000
        self._end(span, values, row)
        return row

    def _given(self, record: Record) -> dict[str, Json]:
        """The task's arguments: copies, so that it cannot change what evaluators and later runs see."""
        return {
            "input_data": copy.deepcopy(record.input),
            "config": copy.deepcopy(self._experiment.config),
            "metadata": copy.deepcopy(record.metadata),
        }

    @staticmethod
    def _book(row: Row, span: trace.Span, failure: CallFailed) -> None:
        error = failure.cause
        row.error = str(error) or type(error).__name__
        row.error_type = type(error).__qualname__
        row.retries = failure.retries
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, row.error))

    def _end(self, span: trace.Span, values: dict[str, Any], row: Row) -> None:
        values[attributes.OUTPUT] = dump(row.output)
        if row.retries:
            values[attributes.RETRIES] = row.retries
        if row.error_type:
            values[attributes.ERROR_TYPE] = row.error_type
        span.set_attributes(values)
        lifecycle.processor.stamp(span, values)
        span.end()

    def _case_values(self, record: Record) -> dict[str, Any]:
        experiment, dataset = self._experiment, self._session.dataset
        values: dict[str, Any] = {
            attributes.SPAN_TYPE: attributes.CASE,
            attributes.PROJECT_NAME: self._session.project,
            attributes.EXPERIMENT_NAME: experiment.name,
            attributes.TEST_SUITE_NAME: experiment.name,
            attributes.DATASET_ID: dataset.id,
            attributes.DATASET_NAME: dataset.name,
            attributes.DATASET_VERSION: dataset.version,
            attributes.INPUT: dump(record.input),
            attributes.EXPECTED_OUTPUT: dump(record.expected_output),
            attributes.TAGS: [*experiment.tags, *record.tags],
        }
        for prefix, metadata in (
            (attributes.METADATA_PREFIX, record.metadata),
            (attributes.EXPERIMENT_METADATA_PREFIX, experiment.metadata),
        ):
            values |= {prefix + key: attribute_value(value) for key, value in metadata.items()}
        return {key: measure.sendable(value) for key, value in values.items() if value is not None}

    async def _evaluate(self, function: Function, record: Record, case: Case, row: Row) -> Evaluation:
        """One evaluator on one row, in its span; the score goes out as an event of the case span."""
        judged = trace.SpanContext(
            int(row.trace_id, 16), int(row.span_id, 16), False, trace.TraceFlags(trace.TraceFlags.SAMPLED)
        )
        parent = trace.set_span_in_context(trace.NonRecordingSpan(judged), case.enter(Context()))
        values = {attributes.SPAN_TYPE: attributes.EVALUATOR, attributes.EVALUATION_NAME: function.name}
        span = self._runtime.start_span(f"evaluator.{function.name}", parent, values)
        given = {
            "input_data": record.input,
            "output_data": row.output,
            "expected_output": record.expected_output,
            "metadata": record.metadata,
            "config": self._experiment.config,
        }
        score = await self._score(function, given, trace.set_span_in_context(span, parent), span)
        span.end()
        self._emit(score, case, judged)
        return score

    async def _summarise(self, function: Function, iteration: int, rows: list[Row]) -> None:
        given = {
            "inputs": [row.input for row in rows],
            "outputs": [row.output for row in rows],
            "expected_outputs": [row.expected_output for row in rows],
            "evaluators_results": {
                name: [row.evaluations[name].value if name in row.evaluations else None for row in rows]
                for name in self._experiment.evaluator_names
            },
        }
        case = self._session.case(iteration)
        score = await self._score(function, given, case.enter(Context()), trace.INVALID_SPAN)
        self._emit(score, case, None)
        self._summary_scores.append(SummaryScore(iteration, score))

    async def _score(
        self, function: Function, given: dict[str, Any], within: Context, span: trace.Span
    ) -> Evaluation:
        """An evaluator's score; its failure is one too, unless `raise_errors`."""
        try:
            returned, _ = await self._call_within(within, function, given)
            return Evaluation.of(function.name, returned)
        except Exception as raised:
            error = raised.cause if isinstance(raised, CallFailed) else raised
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            if self._options.raise_errors:
                span.end()
                raise TaskError(f"The evaluator {function.name!r} failed: {error}") from error
            return Evaluation.failed(function.name, error)

    async def _call_within(
        self, within: Context, function: Function, given: dict[str, Any]
    ) -> tuple[Any, int]:
        token = otel_context.attach(within)
        try:
            return await function.call(given, self._options.limits, self._threads)
        finally:
            otel_context.detach(token)

    def _emit(self, score: Evaluation, case: Case, judged: trace.SpanContext | None) -> None:
        record = evaluation.event(score, case, judged, self._runtime.resource)
        self._runtime.delivery.put("scores", record, measure.log_size(record), case.experiment_id)

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
            self._runtime.client.update_experiment(self._session.experiment_id, status, error, patience)
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
