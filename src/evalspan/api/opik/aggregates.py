"""What an experiment came to, as Opik's experiment entity shows it: read from the views, kept nowhere.

A sum with an unknown part is unknown: no cost is better than one that leaves out what nobody priced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evalspan.store import Store, sql

_OVERALL: Final = -1
_BATCH: Final = 200  # experiments in one query: bounds the memory that a page of many takes
_QUANTILES: Final = ("p50", "p90", "p99")
_USAGE: Final = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total_tokens",
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Average:
    """One feedback score over the traces that have it."""

    name: str
    value: float
    count: int


@dataclass(frozen=True)
class Aggregates:
    """None is unknown, or nothing to count."""

    trace_count: int = 0
    duration: dict[str, float] | None = None
    """Milliseconds of a trace, as `{p50, p90, p99}`: the client reads no bare number."""
    run_duration: float | None = None
    """Milliseconds from the beginning of the first trace to the end of the last."""
    total_estimated_cost: float | None = None
    total_estimated_cost_avg: float | None = None
    usage: dict[str, float] | None = None
    """Tokens of a trace, on average."""
    feedback_scores: Sequence[Average] = field(default_factory=tuple[Average, ...])


def aggregates(store: Store, experiment_ids: Sequence[str]) -> dict[str, Aggregates]:
    """Those of each experiment, by id; of one without executions too."""
    found: dict[str, Aggregates] = {}
    for first in range(0, len(experiment_ids), _BATCH):
        found |= _batch(store, list(experiment_ids[first : first + _BATCH]))
    return found


def _batch(store: Store, experiment_ids: list[str]) -> dict[str, Aggregates]:
    ids = {"ids": experiment_ids}
    durations = {row["experiment_id"]: row for row in store.query(sql("queries/opik_durations"), ids)}
    if not durations:  # the other two questions cost ten times as much
        return {each: Aggregates() for each in experiment_ids}
    cases = {
        row["experiment_id"]: row
        for row in store.query(sql("queries/aggregate_cases"), ids)
        if row["run"] == _OVERALL
    }
    scores: defaultdict[str, list[Average]] = defaultdict(list)
    for row in store.query(sql("queries/aggregate_scores"), ids):
        if row["run"] == _OVERALL and row["source"] == "record" and row["mean"] is not None:
            scores[row["experiment_id"]].append(Average(row["name"], row["mean"], row["n_scores"]))
    return {
        each: _of_one(durations.get(each), cases.get(each), scores[each])
        for each in dict.fromkeys(experiment_ids)
    }


def _of_one(durations: Row | None, cases: Row | None, scores: list[Average]) -> Aggregates:
    if durations is None or cases is None:
        return Aggregates(feedback_scores=tuple(scores))
    cost = _mean(cases, "cost")
    usage = {theirs: _mean(cases, ours) for theirs, ours in _USAGE.items()}
    return Aggregates(
        trace_count=durations["traces"],
        duration=dict(zip(_QUANTILES, durations["durations"], strict=True)),
        run_duration=durations["run_duration"],
        total_estimated_cost=None if cost is None else cases["cost"],
        total_estimated_cost_avg=cost,
        usage={name: value for name, value in usage.items() if value is not None} or None,
        feedback_scores=tuple(scores),
    )


def _mean(cases: Row, column: str) -> float | None:
    """Over all executions: those that called no model used nothing."""
    if not cases["calling_cases"] or cases[f"unknown_{column}"]:
        return None
    return cases[column] / cases["cases"]
