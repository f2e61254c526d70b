"""Aggregation over runs: mean of record means, mode of record modes.

The same rules as the SQL views `record_means` and `experiment_summary`: a run that failed or was
never scored is not a zero but missing, and a tie of labels goes to the one that sorts first.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evalspan.sdk.evaluation import Evaluation


@dataclass(frozen=True)
class RecordScore:
    """One evaluator on one record, over its runs."""

    mean: float | None = None
    mode: str | None = None
    spread: float | None = None
    """Sample standard deviation; None below two runs."""
    n: int = 0
    errors: int = 0


@dataclass(frozen=True)
class Summary:
    """One evaluator on the whole experiment."""

    name: str
    mean: float | None = None
    """Mean of the record means."""
    mode: str | None = None
    """Mode of the record modes."""
    spread: float | None = None
    min: float | None = None
    max: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many records have which mode."""
    n_records: int = 0
    n_scores: int = 0
    n_errors: int = 0


def over_runs(evaluations: Iterable[Evaluation]) -> RecordScore:
    """The evaluations of one evaluator on one record, one per run."""
    given = list(evaluations)
    numbers = [e.number for e in given if e.error is None and e.number is not None]
    labels = [e.label for e in given if e.error is None and e.label is not None]
    return RecordScore(
        mean=statistics.fmean(numbers) if numbers else None,
        mode=mode(labels),
        spread=statistics.stdev(numbers) if len(numbers) > 1 else None,
        n=len(numbers) + len(labels),
        errors=sum(e.error is not None for e in given),
    )


def over_records(name: str, records: Sequence[RecordScore]) -> Summary:
    """The scores of one evaluator on all records."""
    means = [record.mean for record in records if record.mean is not None]
    modes = [record.mode for record in records if record.mode is not None]
    return Summary(
        name=name,
        mean=statistics.fmean(means) if means else None,
        mode=mode(modes),
        spread=statistics.stdev(means) if len(means) > 1 else None,
        min=min(means, default=None),
        max=max(means, default=None),
        counts=dict(sorted(Counter(modes).items())),
        n_records=sum(record.n > 0 for record in records),
        n_scores=sum(record.n for record in records),
        n_errors=sum(record.errors for record in records),
    )


def mode(labels: Sequence[str]) -> str | None:
    """The most frequent label; of several, the one that sorts first."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label)) if counts else None
