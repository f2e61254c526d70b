"""Two sets of results, record by record and evaluator by evaluator. A is the baseline, B the candidate.

A difference is B minus A on the records that both have; what is missing on a side is said, never
taken for zero. This module needs no store: the command line reads its models from the service.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from evalspan.analysis.statistics import estimate

Verdict = Literal["better", "worse", "same", "different", "only_a", "only_b", "failed", "unscored"]
"""`different` is what two categories are; `failed`: a side failed and has no score; `unscored`: it has
none though it did not fail."""


class Result(BaseModel):
    """One record on one side: of one run, or over all of them."""

    record_id: str
    failed: bool = False
    """The run failed; over all runs: each of them."""
    scores: dict[str, float | None] = Field(default_factory=dict[str, float | None])
    labels: dict[str, str | None] = Field(default_factory=dict[str, str | None])
    input: str | None = None
    output: str | None = None


class Pair(BaseModel):
    """What one evaluator says of one record on both sides."""

    a: float | str | None = None
    b: float | str | None = None
    difference: float | None = None
    verdict: Verdict


class Row(BaseModel):
    record_id: str
    input: str | None = None
    output_a: str | None = None
    output_b: str | None = None
    scores: dict[str, Pair] = Field(default_factory=dict[str, Pair])
    labels: dict[str, Pair] = Field(default_factory=dict[str, Pair])


class ScoreComparison(BaseModel):
    """One numeric evaluator on the two sides."""

    name: str
    lower_is_better: bool = False
    mean_a: float | None
    """Over every record that A has a score for; so `mean_b - mean_a` is `difference` only where the
    two sides have the same records."""
    mean_b: float | None
    n: int
    """Records with a score on both sides: what the difference rests on."""
    difference: float | None
    low: float | None
    """95 % interval of the difference; None below two records."""
    high: float | None
    better: int
    worse: int
    same: int
    unpaired: int
    """Records of either side that lack a score on one."""


class Cell(BaseModel):
    a: str
    b: str
    records: int


class LabelComparison(BaseModel):
    """One categorical evaluator on the two sides."""

    name: str
    n: int
    agreement: float | None
    """The share of the `n` records with the same category on both sides."""
    table: list[Cell]
    unpaired: int


class Side(BaseModel):
    experiment_id: str = ""
    experiment_name: str = ""
    run: int | None = None
    """None: over all runs."""
    records: int = 0
    failed: int = 0
    """Records whose run failed (over all runs: each of them)."""


class Comparison(BaseModel):
    a: Side
    b: Side
    only_a: int
    only_b: int
    scores: list[ScoreComparison]
    labels: list[LabelComparison]
    rows: list[Row]


def compare(
    a: Iterable[Result],
    b: Iterable[Result],
    *,
    lower_is_better: Collection[str] = (),
    sides: tuple[Side, Side] | None = None,
) -> Comparison:
    """Pair the results by record."""
    left, right = ({item.record_id: item for item in side} for side in (a, b))
    both = [*left.values(), *right.values()]
    numeric = sorted({name for item in both for name in item.scores})
    categorical = sorted({name for item in both for name in item.labels})
    rows = [
        _row(record, left.get(record), right.get(record), numeric, categorical, lower_is_better)
        for record in sorted(left.keys() | right.keys())
    ]
    one, other = sides or (Side(), Side())
    return Comparison(
        a=_counted(one, left),
        b=_counted(other, right),
        only_a=len(left.keys() - right.keys()),
        only_b=len(right.keys() - left.keys()),
        scores=[_scores(name, rows, name in lower_is_better) for name in numeric],
        labels=[_labels(name, rows) for name in categorical],
        rows=rows,
    )


def _counted(side: Side, results: Mapping[str, Result]) -> Side:
    failed = sum(item.failed for item in results.values())
    return side.model_copy(update={"records": len(results), "failed": failed})


def _row(
    record_id: str,
    a: Result | None,
    b: Result | None,
    numeric: Sequence[str],
    categorical: Sequence[str],
    lower_is_better: Collection[str],
) -> Row:
    return Row(
        record_id=record_id,
        input=next((side.input for side in (a, b) if side is not None), None),
        output_a=a.output if a else None,
        output_b=b.output if b else None,
        scores={name: _numbers(name, a, b, name in lower_is_better) for name in numeric},
        labels={name: _categories(name, a, b) for name in categorical},
    )


def _numbers(name: str, a: Result | None, b: Result | None, lower_is_better: bool) -> Pair:
    one, other = _finite(a, name), _finite(b, name)
    if one is None or other is None:
        return Pair(a=one, b=other, verdict=_absence(a, b, one, other))
    difference = other - one
    # Means over runs are sums of fractions: equal ones may differ in the last digits.
    if math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12):
        return Pair(a=one, b=other, difference=difference, verdict="same")
    verdict: Verdict = "better" if (difference < 0) == lower_is_better else "worse"
    return Pair(a=one, b=other, difference=difference, verdict=verdict)


def _categories(name: str, a: Result | None, b: Result | None) -> Pair:
    one, other = a.labels.get(name) if a else None, b.labels.get(name) if b else None
    if one is None or other is None:
        return Pair(a=one, b=other, verdict=_absence(a, b, one, other))
    return Pair(a=one, b=other, verdict="same" if one == other else "different")


def _finite(result: Result | None, name: str) -> float | None:
    """A score that can be counted with; NaN is none."""
    value = result.scores.get(name) if result else None
    return value if value is not None and math.isfinite(value) else None


def _absence(
    a: Result | None, b: Result | None, value_a: float | str | None, value_b: float | str | None
) -> Verdict:
    if a is None or b is None:
        return "only_b" if a is None else "only_a"
    missing = (side for side, value in ((a, value_a), (b, value_b)) if value is None)
    return "failed" if any(side.failed for side in missing) else "unscored"


def _scores(name: str, rows: Sequence[Row], lower_is_better: bool) -> ScoreComparison:
    pairs = [row.scores[name] for row in rows]
    found = estimate([pair.difference for pair in pairs if pair.difference is not None])
    verdicts = Counter(pair.verdict for pair in pairs)
    mean_a, mean_b = (
        estimate([value for value in side if isinstance(value, float)]).mean
        for side in ([pair.a for pair in pairs], [pair.b for pair in pairs])
    )
    return ScoreComparison(
        name=name,
        lower_is_better=lower_is_better,
        mean_a=mean_a,
        mean_b=mean_b,
        n=found.n,
        difference=found.mean,
        low=found.low,
        high=found.high,
        better=verdicts["better"],
        worse=verdicts["worse"],
        same=verdicts["same"],
        unpaired=len(pairs) - found.n,
    )


def _labels(name: str, rows: Sequence[Row]) -> LabelComparison:
    pairs = [row.labels[name] for row in rows]
    table = Counter((str(p.a), str(p.b)) for p in pairs if p.a is not None and p.b is not None)
    n = table.total()
    return LabelComparison(
        name=name,
        n=n,
        agreement=sum(count for (a, b), count in table.items() if a == b) / n if n else None,
        table=[Cell(a=a, b=b, records=count) for (a, b), count in sorted(table.items())],
        unpaired=len(pairs) - n,
    )
