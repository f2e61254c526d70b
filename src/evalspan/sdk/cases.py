"""Executing one case: the task in its span, its evaluators below it, and a score event for each.

The case span lasts as long as the task, so that its duration is the task's; evaluator spans are its
children and come after it. A failed task is a result: its evaluators are not run, its scores are
missing, not zero. An execution that was cut off ends no span: to the service it never happened.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from evalspan import attributes
from evalspan.capture import content
from evalspan.errors import TaskError
from evalspan.model import Json, Record
from evalspan.sdk import evaluation, lifecycle, measure
from evalspan.sdk.calls import CallFailed, Function, Limits
from evalspan.sdk.context import Case
from evalspan.sdk.evaluation import Evaluation, attribute_value
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.result import Row
from evalspan.sdk.session import Session, fill
from evalspan.sdk.step import record_error
from evalspan.sdk.threads import Threads

# How often a run on the event loop looks whether the delivery has room again.
_ROOM_POLL = 0.02

Reading = Callable[[Any, Mapping[str, Any]], tuple[Json, Sequence[Evaluation]]]
"""Given what a task returned and the attributes of its span: the output, and scores found in them."""


class Work(Protocol):
    """What is executed, as an `Experiment` has it."""

    name: str
    config: dict[str, Json]
    metadata: dict[str, Json]
    tags: list[str]
    task_function: Function
    evaluator_functions: list[Function]


class Cases:
    """Executes the cases of one experiment run."""

    def __init__(
        self,
        experiment: Work,
        session: Session,
        runtime: Runtime,
        threads: Threads,
        limits: Limits,
        *,
        raise_errors: bool = False,
        reading: Reading | None = None,
    ) -> None:
        self._experiment = experiment
        self._session = session
        self._runtime = runtime
        self._threads = threads
        self._limits = limits
        self._raise_errors = raise_errors
        self._reading = reading or _only_output

    async def run(self, record: Record, run_iteration: int) -> Row:
        """One execution of one record, or what is missing of it.

        Raises:
            TaskError: with `raise_errors`.
        """
        case = self._session.case(run_iteration, record.id)
        row = self._session.prior.get((record.id, case.run_iteration))
        # What failed before gets another try: resuming is for having all results.
        row = await self._execute(record, case) if row is None or row.error else fill(row, record)
        if row.error is None:
            for function in self._experiment.evaluator_functions:
                if function.name not in row.evaluations:
                    row.evaluations[function.name] = await self._evaluate(function, record, case, row)
        while not self._runtime.delivery.has_room():  # noqa: ASYNC110 - threads make the room
            await asyncio.sleep(_ROOM_POLL)
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
        scores: Sequence[Evaluation] = ()
        try:
            returned, row.retries = await self._call_within(
                trace.set_span_in_context(span, within), self._experiment.task_function, self._given(record)
            )
            row.output, scores = self._reading(returned, getattr(span, "attributes", None) or {})
        except CallFailed as failure:
            self._book(row, span, failure)
            if self._raise_errors:
                self._end(span, values, row)
                raise TaskError(f"The task failed on record {record.id!r}: {row.error}") from failure.cause
        row.duration_ms = (asyncio.get_running_loop().time() - started) * 1000
        self._end(span, values, row)
        for score in scores:
            row.evaluations[score.name] = score
            self._emit(score, case, identity)
        return row

    def _given(self, record: Record) -> dict[str, Json]:
        """The task's arguments: copies, so that it cannot change what evaluators and later runs see."""
        return {
            "input_data": copy.deepcopy(record.input),
            "config": copy.deepcopy(self._experiment.config),
            "metadata": copy.deepcopy(record.metadata),
            "record": record,  # for functions of ours only
        }

    @staticmethod
    def _book(row: Row, span: trace.Span, failure: CallFailed) -> None:
        error = failure.cause
        row.error = str(error) or type(error).__name__
        row.error_type = type(error).__qualname__
        row.retries = failure.retries
        record_error(span, error)

    def _end(self, span: trace.Span, values: dict[str, Any], row: Row) -> None:
        values |= _shown({attributes.OUTPUT: row.output})
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
            attributes.DATASET_ID: dataset.id or None,
            attributes.DATASET_NAME: dataset.name or None,
            attributes.DATASET_VERSION: dataset.version,
            **_shown({attributes.INPUT: record.input, attributes.EXPECTED_OUTPUT: record.expected_output}),
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
        # Services that the evaluator calls hand the trace state on: their cost is not the case's either.
        state = trace.TraceState([(attributes.TRACE_STATE_EVALUATOR, _state_value(function.name))])
        sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        judged = trace.SpanContext(int(row.trace_id, 16), int(row.span_id, 16), False, sampled, state)
        within = replace(case, evaluator=function.name).enter(Context())
        parent = trace.set_span_in_context(trace.NonRecordingSpan(judged), within)
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

    async def summarise(self, function: Function, iteration: int, rows: list[Row]) -> Evaluation:
        """A summary evaluator's score of one run iteration."""
        given = {
            "inputs": [row.input for row in rows],
            "outputs": [row.output for row in rows],
            "expected_outputs": [row.expected_output for row in rows],
            "evaluators_results": {
                name: [row.evaluations[name].value if name in row.evaluations else None for row in rows]
                for name in (function.name for function in self._experiment.evaluator_functions)
            },
        }
        case = self._session.case(iteration)
        within = replace(case, evaluator=function.name).enter(Context())
        score = await self._score(function, given, within, trace.INVALID_SPAN)
        self._emit(score, case, None)
        return score

    async def _score(
        self, function: Function, given: dict[str, Any], within: Context, span: trace.Span
    ) -> Evaluation:
        """An evaluator's score; its failure is one too, unless `raise_errors`."""
        try:
            returned, _ = await self._call_within(within, function, given)
            return Evaluation.of(function.name, returned)
        except Exception as raised:
            error = raised.cause if isinstance(raised, CallFailed) else raised
            record_error(span, error)
            if self._raise_errors:
                span.end()
                raise TaskError(f"The evaluator {function.name!r} failed: {error}") from error
            return Evaluation.failed(function.name, error)

    async def _call_within(
        self, within: Context, function: Function, given: dict[str, Any]
    ) -> tuple[Any, int]:
        token = otel_context.attach(within)
        try:
            return await function.call(given, self._limits, self._threads)
        finally:
            otel_context.detach(token)

    def _emit(self, score: Evaluation, case: Case, judged: trace.SpanContext | None) -> None:
        record = evaluation.event(evaluation.shown(score), case, judged, self._runtime.resource)
        self._runtime.delivery.put("scores", record, measure.log_size(record), case.experiment_id)


def _shown(values: dict[str, Json]) -> dict[str, Any]:
    """Values of the case as they are recorded; what evaluators get is the real ones."""
    return {name: text for name, value in values.items() if (text := content.shown(value)) is not None}


def _only_output(returned: Json, _attributes: Mapping[str, Any]) -> tuple[Json, Sequence[Evaluation]]:
    return returned, ()


def _state_value(name: str) -> str:
    """A name as a value of the trace state, which holds 256 characters of ASCII."""
    return quote(name, safe="")[:256]
