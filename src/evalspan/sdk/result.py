"""What an experiment came to: rows, aggregates over runs, and what became of the telemetry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from evalspan.errors import DeliveryError, EvalspanError, UsageError
from evalspan.model import ExperimentStatus, Json
from evalspan.sdk import aggregate
from evalspan.sdk.aggregate import RecordScore, Summary
from evalspan.sdk.evaluation import Evaluation
from evalspan.sdk.ledger import Account

if TYPE_CHECKING:
    import pandas

_SHOWN_LABELS = 3


@dataclass
class Row:
    """One execution of one record."""

    record_id: str
    run_iteration: int
    input: Json = None
    output: Json = None
    expected_output: Json = None
    evaluations: dict[str, Evaluation] = field(default_factory=dict[str, Evaluation])
    error: str | None = None
    error_type: str | None = None
    trace_id: str = ""
    span_id: str = ""
    duration_ms: float = 0.0
    retries: int = 0
    resumed: bool = False
    """Whether it was done by an earlier run and loaded back."""


@dataclass(frozen=True)
class RecordResult:
    """One record over its runs."""

    record_id: str
    runs: int
    failed_runs: int
    scores: Mapping[str, RecordScore]


@dataclass(frozen=True)
class SummaryScore:
    """What a summary evaluator said of one run iteration."""

    run_iteration: int
    evaluation: Evaluation


@dataclass(frozen=True)
class ExperimentResult:
    """The result of `Experiment.run`."""

    experiment_id: str
    name: str
    """Unique in the project."""
    url: str
    status: ExperimentStatus
    rows: Sequence[Row]
    """By run iteration, then in the order of the dataset."""
    summary_scores: Sequence[SummaryScore]
    delivery: Account
    """Spans and scores produced, acknowledged by the service, and failed."""
    evaluators: Sequence[str]
    expected: int
    """How many rows there would be, had every record run in every iteration."""

    @property
    def failures(self) -> list[Row]:
        """The rows whose task failed."""
        return [row for row in self.rows if row.error is not None]

    @property
    def missing(self) -> int:
        """How many executions never happened."""
        return self.expected - len(self.rows)

    @cached_property
    def records(self) -> list[RecordResult]:
        """Per-record aggregates: mean and mode over the runs."""
        by_record: dict[str, list[Row]] = {}
        for row in self.rows:
            by_record.setdefault(row.record_id, []).append(row)
        return [
            RecordResult(
                record_id,
                runs=len(rows),
                failed_runs=sum(row.error is not None for row in rows),
                scores={name: aggregate.over_runs(_of(rows, name)) for name in self.evaluators},
            )
            for record_id, rows in by_record.items()
        ]

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """Overall aggregates by evaluator: mean of record means, mode of record modes."""
        return {
            name: aggregate.over_records(name, [record.scores[name] for record in self.records])
            for name in self.evaluators
        }

    def to_pandas(self) -> pandas.DataFrame:
        """One row per execution, one column per evaluator.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("to_pandas() needs pandas: pip install pandas.") from None
        return pandas.DataFrame([self._flat(row) for row in self.rows])

    def _flat(self, row: Row) -> dict[str, Any]:
        fields = ("record_id", "run_iteration", "input", "output", "expected_output", "error", "duration_ms")
        scores = {
            name: row.evaluations[name].value if name in row.evaluations else None for name in self.evaluators
        }
        return {name: getattr(row, name) for name in fields} | scores | {"trace_id": row.trace_id}

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *_table(self._lines()), f"delivery: {self.delivery}", self.url])

    def _headline(self) -> str:
        parts = [f"{len(self.rows)} rows"]
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        if self.missing:
            parts.append(f"{self.missing} missing")
        return f"{self.name}: {self.status}, {', '.join(parts)}"

    def _lines(self) -> list[tuple[str, ...]]:
        lines = [("evaluator", "result", "spread", "records", "scores", "errors")]
        for name, item in self.summary.items():
            spread = "" if item.spread is None else f"{item.spread:.4g}"
            counts = (str(item.n_records), str(item.n_scores), str(item.n_errors))
            lines.append((name, _value(item), spread, *counts))
        for score in self.summary_scores:
            said = score.evaluation
            value = f"error: {said.error}" if said.error else str(said.value)
            lines.append((f"{said.name} (run {score.run_iteration})", value, "", "", "", ""))
        return lines


class IncompleteDelivery(DeliveryError):
    """A loss of telemetry; `result` has everything that was computed nevertheless."""

    def __init__(self, message: str, result: ExperimentResult) -> None:
        super().__init__(message)
        self.result = result


def check_delivery(result: ExperimentResult, trouble: EvalspanError | None) -> None:
    """Raises IncompleteDelivery for a loss, or for a status that could not be recorded."""
    if not result.delivery.complete:
        raise IncompleteDelivery(
            f"Not everything of {result.name!r} was delivered: {result.delivery}.", result
        )
    if trouble is not None:
        raise IncompleteDelivery(
            f"The end of {result.name!r} could not be recorded: {trouble}", result
        ) from trouble


def _of(rows: Sequence[Row], name: str) -> list[Evaluation]:
    return [row.evaluations[name] for row in rows if name in row.evaluations]


def _value(item: Summary) -> str:
    if item.mean is not None:
        return f"{item.mean:.4g}"
    if item.mode is None:
        return "-"
    top = sorted(item.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_SHOWN_LABELS]
    return ", ".join(f"{label} ({count})" for label, count in top)


def _table(lines: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
