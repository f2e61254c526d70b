"""The fields of the search language: which column of which view, of which kind.

A field of a run stands in `experiment_results`, a field of a record over its runs in
`experiment_records`, some in both. One query asks one of the two views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Level(Enum):
    """What one row of the answer is."""

    RUN = "run"
    RECORD = "record"


class Kind(Enum):
    """How the values of a field are compared; the value says it in words."""

    NUMBER = "number"
    DURATION = "duration"
    TEXT = "text"
    CHOICE = "choice"
    SEARCHED = "searched text"
    TAGS = "tags"
    MAPPED = "number or text"
    SCORE = "score or category"


@dataclass(frozen=True)
class Column:
    """A field's place. `run` and `record` are SQL over the two views, '' where it is not in one."""

    kind: Kind
    run: str = ""
    record: str = ""
    choices: Sequence[str] = ()
    meaning: str = ""


@dataclass(frozen=True)
class Names:
    """What an experiment has: queries for anything else are mistakes, not empty answers."""

    scores: Set[str] = frozenset()
    """Evaluators that gave numbers or booleans."""
    labels: Set[str] = frozenset()
    """Evaluators that gave labels."""
    evaluators: Set[str] = frozenset()
    """All of them, those that only failed or gave JSON included."""
    metadata: Set[str] = frozenset()
    experiment_metadata: Set[str] = frozenset()
    tags: Set[str] = frozenset()
    """The keys of `key:value` tags."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Names:
        return cls(**{name: frozenset(values) for name, values in row.items()})


AVERAGE, MODE = "@multi_run_avg.", "@multi_run_mode."
EVALUATION = "@evaluations.custom."
EVALUATION_ERROR = "@evaluations.error."
METADATA, EXPERIMENT_METADATA = "@metadata.", "@experiment.metadata."

COLUMNS: Mapping[str, Column] = {
    "record_id": Column(Kind.TEXT, "record_id", "record_id", meaning="The record"),
    "experiment": Column(
        Kind.TEXT, "experiment", "experiment", meaning="Name that every run of one pipeline shares"
    ),
    "experiment_name": Column(
        Kind.TEXT, "experiment_name", "experiment_name", meaning="Name that is unique in the project"
    ),
    "experiment_id": Column(Kind.TEXT, "experiment_id", "experiment_id", meaning="The experiment's id"),
    "run_iteration": Column(Kind.NUMBER, "run_iteration", meaning="Which run, from 1"),
    "status": Column(Kind.CHOICE, "status", choices=("ok", "error"), meaning="ok or error"),
    "error": Column(Kind.SEARCHED, "error", meaning="Message of the error that the task ended with"),
    "trace_id": Column(Kind.TEXT, "trace_id", meaning="The trace of the execution"),
    "runs": Column(Kind.NUMBER, "", "runs", meaning="How many runs the record has"),
    "failed_runs": Column(Kind.NUMBER, "", "failed_runs", meaning="How many of them failed"),
    "@input": Column(Kind.SEARCHED, "input", "input", meaning="The record's input, as JSON text"),
    "@expected_output": Column(
        Kind.SEARCHED, "expected_output", "expected_output", meaning="What was expected, as JSON text"
    ),
    "@output": Column(Kind.SEARCHED, "output", meaning="What the task returned, as JSON text"),
    "@tags": Column(Kind.TAGS, "tags", "tags", meaning="Any tag, whole: `@tags:difficulty:hard`"),
    "@trace.total_tokens": Column(
        Kind.NUMBER, "total_tokens", "mean_total_tokens", meaning="Tokens of the task's LLM calls"
    ),
    "@trace.input_tokens": Column(
        Kind.NUMBER, "input_tokens", "mean_input_tokens", meaning="Tokens that went in"
    ),
    "@trace.output_tokens": Column(
        Kind.NUMBER, "output_tokens", "mean_output_tokens", meaning="Tokens that came out"
    ),
    "@trace.estimated_total_cost": Column(
        Kind.NUMBER, "toFloat64(cost_usd)", "mean_cost_usd", meaning="Cost in US dollars"
    ),
    "@trace.duration": Column(
        Kind.DURATION, "duration_ms", "mean_duration_ms", meaning="Milliseconds, or with a unit: `2s`, `1.5m`"
    ),
    "@trace.llm_calls": Column(Kind.NUMBER, "llm_calls", meaning="How many LLM calls the task made"),
}

OVER_RUNS = frozenset(name for name in COLUMNS if name.startswith("@trace.") and COLUMNS[name].record)
"""Fields that are averaged with `@multi_run_avg.`; without it they are a run's own."""


@dataclass(frozen=True)
class Target:
    """A field of a query, found."""

    column: Column
    level: Level | None
    """None where both views have it."""
    key: str = ""
    """The key, where the column is a map."""


def target(name: str, names: Names) -> Target:
    """Where a field of a query is to be found.

    Raises:
        LookupError: there is no such field; the message says what there is.
    """
    for prefix in (AVERAGE, MODE):
        if name.startswith(prefix):
            return _over_runs(prefix, "@" + name.removeprefix(prefix).removeprefix("@"), names)
    if name.startswith(EVALUATION):
        return _evaluation(name.removeprefix(EVALUATION), names)
    if name in COLUMNS:
        column = COLUMNS[name]
        both = column.run and column.record and name not in OVER_RUNS
        return Target(column, None if both else Level.RUN if column.run else Level.RECORD)
    for prefix, sql, known, what in (
        (EVALUATION_ERROR, "evaluator_errors", names.evaluators, "evaluator"),
        (METADATA, "metadata", names.metadata, "metadata key"),
        (EXPERIMENT_METADATA, "experiment_metadata", names.experiment_metadata, "experiment metadata key"),
    ):
        if name.startswith(prefix):
            key = _known(name.removeprefix(prefix), known, what)
            run_only = prefix == EVALUATION_ERROR
            column = Column(Kind.SEARCHED if run_only else Kind.MAPPED, sql)
            return Target(column, Level.RUN if run_only else None, key)
    return _tag(name, names)


def _over_runs(prefix: str, name: str, names: Names) -> Target:
    if not name.startswith(EVALUATION):
        if prefix == AVERAGE and name in OVER_RUNS:
            return Target(COLUMNS[name], Level.RECORD)
        averaged = ", ".join(sorted(OVER_RUNS))
        raise LookupError(
            f"{prefix}{name} is not there: {AVERAGE} goes with {EVALUATION}NAME, {averaged}; "
            f"{MODE} with {EVALUATION}NAME."
        )
    evaluator = _known(name.removeprefix(EVALUATION), names.evaluators, "evaluator")
    if prefix == AVERAGE and evaluator not in names.scores and evaluator in names.labels:
        raise LookupError(
            f"{evaluator!r} gives categories, which have no average; write {MODE}{EVALUATION}{evaluator}."
        )
    if prefix == MODE and evaluator not in names.labels and evaluator in names.scores:
        raise LookupError(
            f"{evaluator!r} gives numbers, whose mean over the runs is asked for by "
            f"{AVERAGE}{EVALUATION}{evaluator}."
        )
    kind, sql = (Kind.NUMBER, "scores") if prefix == AVERAGE else (Kind.TEXT, "labels")
    return Target(Column(kind, record=sql), Level.RECORD, evaluator)


def _evaluation(name: str, names: Names) -> Target:
    _known(name, names.evaluators, "evaluator")
    if name in names.scores and name in names.labels:
        return Target(Column(Kind.SCORE), Level.RUN, name)
    column = Column(Kind.TEXT, "labels") if name in names.labels else Column(Kind.NUMBER, "scores")
    return Target(column, Level.RUN, name)


def _known(key: str, known: Set[str], what: str) -> str:
    if key not in known:
        raise LookupError(f"There is no {what} {key!r} in this experiment; {_list(known)}.")
    return key


def _tag(name: str, names: Names) -> Target:
    """A plain `key:value` that is no field asks for that tag."""
    if name not in names.tags:
        fields = ", ".join(sorted(key for key in COLUMNS if not key.startswith("@")))
        raise LookupError(
            f"{name!r} is neither a field ({fields}, @trace., @evaluations.custom., ...) nor the key of "
            f"a tag of this experiment; of tags, {_list(names.tags)}."
        )
    return Target(Column(Kind.TAGS, "tags", "tags"), None, name)


def _list(known: Set[str], most: int = 20) -> str:
    if not known:
        return "there are none"
    shown = sorted(known)
    return f"there are {', '.join(map(repr, shown[:most]))}{' and more' if len(shown) > most else ''}"
