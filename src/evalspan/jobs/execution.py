"""One item from its input to its last score, written down at each stage.

An item's output is stored before its evaluators begin, and its scores before it is done: what begins again
after a kill is at most one stage of the items that were under way, and what it writes replaces itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from google.protobuf.message import Message
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from evalspan import attributes as names
from evalspan.errors import EvalspanError, StoreError, StoreUnavailable
from evalspan.experiments.entity import now
from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.ingest import Ingest, Signal
from evalspan.jobs import outcome, tracing
from evalspan.jobs.entry import Entry, Journal
from evalspan.jobs.job import Job, Metrics, root_span_id
from evalspan.jobs.ledger import BudgetReached, Ledger, Purse
from evalspan.jobs.llm import Models
from evalspan.jobs.steps import Steps, Tally
from evalspan.jobs.tracing import Recording
from evalspan.judges import Answer, Case, CodeLimits, Verdict, judge
from evalspan.model import Json, Record

logger = logging.getLogger("evalspan.jobs")

_PAUSE: Final = 0.5  # seconds before an ingest that has no room is tried again
_TAIL: Final = 10.0  # seconds that what came out of an item has to be stored when its job is cancelled


_Judged = tuple[EvaluatorVersion, Verdict, Sequence[ReadableSpan]]


class NotOurs(Exception):
    """Another service has taken the job over: nothing may be written of it."""


class Execution:
    """The items of one job."""

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        models: Models,
        provider: TracerProvider,
        ingest: Ingest,
        journal: Journal,
        code: CodeLimits | None,
        ours: Callable[[], bool],
    ) -> None:
        """`ours`: whether the job is still this service's."""
        self._ours = ours
        self._job = job
        self._ledger = ledger
        self._models = models
        self._provider = provider
        self._ingest = ingest
        self._journal = journal
        self._code = code
        self._steps = Steps(job, models, provider)

    async def run(self, record: Record, entry: Entry) -> None:
        """All that is left to do for an item.

        Raises:
            BudgetReached: the item stays where it is, to go on later.
            StoreError: what it came to cannot be stored. NotOurs.
        """
        purse = Purse(self._ledger, entry, lambda: self._write(entry))
        if entry.status != "scoring":
            await self._produce(record, entry, purse)
        if entry.status == "scoring":
            await self._score(record, entry, purse)

    async def submitted(self, record: Record, entry: Entry) -> None:
        """Store the output that was handed in."""
        end = time.time_ns()
        latency = entry.metrics.latency or 0.0
        async with tracing.recording(self._recording(entry, "root")) as recording:
            span = tracing.started(
                self._provider, entry.name or self._job.span_name, end - int(latency * 1e9)
            )
            span.set(outcome.case(self._job, record, entry))
            span.output(entry.output)
            with span.current():
                _submitted_usage(self._provider, entry.metrics, end)
            span.end(end)
        await self._export(Signal.TRACES, recording.message())
        entry.status, entry.scored, entry.completed_at = "scoring", [], None
        await self._journal.write(self._job, entry)

    async def failed(self, entry: Entry, error: Exception) -> None:
        """Write down that an item cannot be gone on with."""
        entry.status, entry.completed_at, entry.output = "failed", now(), None
        entry.error, entry.error_type = str(error) or type(error).__name__, tracing.kind(error)
        await self._write(entry)

    async def _produce(self, record: Record, entry: Entry, purse: Purse) -> None:
        # Of what was begun, and its service killed, nobody knows what of it was stored.
        entry.attempt += entry.status in ("failed", "running")
        entry.status, entry.started_at, entry.completed_at = "running", now(), None
        entry.output, entry.error, entry.error_type, entry.scored = None, "", "", []
        try:
            await self._write(entry)
            async with tracing.recording(self._recording(entry, "root")) as recording:
                await self._run_steps(record, entry, purse)
        except (BudgetReached, asyncio.CancelledError):
            entry.status = "pending"
            await self._write(entry)
            raise
        entry.completed_at = now() if entry.error_type else None
        await _whole(self._keep(entry, recording))

    async def _keep(self, entry: Entry, recording: Recording) -> None:
        await self._export(Signal.TRACES, recording.message())
        await self._write(entry)

    async def _run_steps(self, record: Record, entry: Entry, purse: Purse) -> None:
        given = record.input if entry.input is None else entry.input
        begun, tally = time.monotonic(), Tally()
        about = outcome.case(self._job, record, entry)
        with tracing.step(self._provider, self._job.span_name, names.CASE, about) as span:
            try:
                entry.output = await self._steps.run(record, given, purse, tally)
                entry.status = "scoring"
                span.output(entry.output)
            except Exception as error:
                if isinstance(error, BudgetReached | NotOurs):
                    raise
                if not isinstance(error, EvalspanError):
                    logger.exception("An item of experiment %s failed", self._job.experiment_id)
                entry.status = "failed"
                entry.error, entry.error_type = str(error) or type(error).__name__, tracing.kind(error)
                span.fail(entry.error, entry.error_type)
            entry.metrics = tally.metrics(time.monotonic() - begun, whole=not purse.lost)

    async def _score(self, record: Record, entry: Entry, purse: Purse) -> None:
        """Every evaluator that is not through. Human ones give their scores when they please."""
        left = [
            each for each in self._job.evaluators if each.type != "human" and each.slug not in entry.scored
        ]
        try:
            found = await asyncio.gather(
                *(self._judge(each, record, entry, purse) for each in left), return_exceptions=True
            )
        except asyncio.CancelledError:
            await self._write(entry)  # what the judges used until now
            raise
        await _whole(self._keep_scores(entry, found))

    async def _keep_scores(self, entry: Entry, found: Sequence[_Judged | BaseException]) -> None:
        """Raises the first of what went wrong, when the others are stored."""
        through = [each for each in found if not isinstance(each, BaseException)]
        await self._store_scores(
            entry,
            [(each, verdict) for each, verdict, _ in through],
            [span for _, _, spans in through for span in spans],
        )
        entry.scored += [each.slug for each, _, _ in through]
        if self._job.waits and await self._journal.is_newer(self._job, entry):
            return  # another output was handed in meanwhile: it is judged in its turn
        troubles = [each for each in found if isinstance(each, BaseException)]
        if not troubles:
            entry.status, entry.completed_at = "done", now()
        await self._write(entry)
        for trouble in troubles:
            raise trouble

    async def _judge(
        self, evaluator: EvaluatorVersion, record: Record, entry: Entry, purse: Purse
    ) -> _Judged:
        async def ask(model: str, messages: list[dict[str, Json]], **parameters: Json) -> Answer:
            return await self._models.ask(model, messages, parameters, purse)

        name = f"evaluator.{evaluator.slug}"
        recording = self._recording(entry, name, {names.EVALUATOR_NAME: evaluator.slug})
        about = {
            names.EVALUATION_NAME: evaluator.slug,
            names.INPUT: outcome.evaluator_input(self._job, evaluator),
        }
        async with tracing.recording(recording, root_span_id(recording.item)):
            with tracing.step(self._provider, name, names.EVALUATOR, about) as span:
                try:
                    verdict = await judge(evaluator, _case(record, entry), ask, code=self._code)
                except Exception as error:
                    if isinstance(error, BudgetReached | NotOurs):
                        raise
                    logger.exception("Evaluator %s of experiment %s", evaluator.slug, self._job.experiment_id)
                    verdict = Verdict(
                        error=str(error) or type(error).__name__, error_type=type(error).__name__
                    )
                span.output(outcome.verdict_output(evaluator, verdict))
                if verdict.error:
                    span.fail(verdict.error, verdict.error_type or "EvaluatorError")
        return evaluator, verdict, recording.spans

    async def _store_scores(
        self, entry: Entry, verdicts: list[tuple[EvaluatorVersion, Verdict]], spans: list[ReadableSpan]
    ) -> None:
        if verdicts:
            await self._export(Signal.TRACES, tracing.encoded(spans))
            await self._export(Signal.LOGS, outcome.scores(self._job, entry, verdicts))

    async def _write(self, entry: Entry) -> None:
        """Raises NotOurs."""
        if not self._ours():
            raise NotOurs
        await self._journal.write(self._job, entry)

    async def _export(self, signal: Signal, message: Message) -> None:
        """When this returns, the store holds it. While the store is away, it waits. Raises NotOurs."""
        while True:
            if not self._ours():
                raise NotOurs
            try:
                receipt = await self._ingest.export(signal, message)
            except StoreUnavailable as error:
                logger.warning("Experiment %s waits for the store: %s", self._job.experiment_id, error)
                await asyncio.sleep(_PAUSE)
                continue
            if receipt.rejected:
                raise StoreError(receipt.message)
            return

    def _recording(self, entry: Entry, place: str, more: dict[str, Any] | None = None) -> Recording:
        ids = outcome.ids(self._job, entry.record_id, entry.run_iteration)
        return Recording(entry.trace(self._job), place, {**ids, **(more or {})})


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """To its end, also where we are cancelled meanwhile: half of it would be half of a result."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_TAIL)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


def _case(record: Record, entry: Entry) -> Case:
    return Case(
        input=record.input if entry.input is None else entry.input,
        output=entry.output,
        expected_output=record.expected_output,
        metadata=outcome.metadata(record, entry),
        metrics=entry.metrics.model_dump(exclude_none=True),
    )


def _submitted_usage(provider: TracerProvider, metrics: Metrics, end: int) -> None:
    """What is handed in as used stands as one call, for tokens and money are read from calls; it took as
    long as all of it did."""
    known = {
        names.USAGE_INPUT_TOKENS: metrics.prompt_tokens,
        names.USAGE_OUTPUT_TOKENS: metrics.completion_tokens,
        names.USAGE_COST: metrics.cost,
    }
    stated = {key: value for key, value in known.items() if value is not None}
    if stated:
        about = {names.SPAN_TYPE: names.LLM, **stated}
        began = end - int((metrics.latency or 0.0) * 1e9)
        tracing.started(provider, "workflow.custom.submitted", began, about).end(end)
