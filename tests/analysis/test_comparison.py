"""Pairing two sets of results."""

from __future__ import annotations

import math

import pytest

from evalspan.analysis.comparison import Comparison, LabelComparison, Result, ScoreComparison, compare


def numbers(*values: float | None, first: int = 1) -> list[Result]:
    """Results of records r1, r2, ...; None is a run that failed unscored."""
    return [
        Result(record_id=f"r{n}", failed=value is None, scores={} if value is None else {"exact": value})
        for n, value in enumerate(values, first)
    ]


def categories(*labels: str) -> list[Result]:
    return [Result(record_id=f"r{n}", labels={"judge": label}) for n, label in enumerate(labels, 1)]


def score(comparison: Comparison) -> ScoreComparison:
    (found,) = comparison.scores
    return found


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {row.record_id: pair.verdict for row in comparison.rows for pair in row.scores.values()}


def test_differences_are_paired_by_record_and_counted_from_a_to_b() -> None:
    found = score(compare(numbers(0.0, 0.5, 1.0, 1.0), numbers(1.0, 0.5, 0.5, 0.5)))
    assert (found.mean_a, found.mean_b, found.difference) == (0.625, 0.625, 0.0)
    assert (found.better, found.worse, found.same, found.n) == (1, 2, 1, 4)


def test_pairing_makes_the_interval_of_a_steady_change_narrow() -> None:
    before = [n / 10 for n in range(10)]
    after = [value + 0.1 + (0.01 if n % 2 else -0.01) for n, value in enumerate(before)]
    found = score(compare(numbers(*before), numbers(*after)))
    assert found.low is not None
    assert found.high is not None
    assert 0.09 < found.low < 0.1 < found.high < 0.11


def test_a_record_on_one_side_only_is_named_and_counts_for_no_difference() -> None:
    comparison = compare(numbers(1.0, 0.0), numbers(1.0, 1.0, first=2))
    assert verdicts(comparison) == {"r1": "only_a", "r2": "better", "r3": "only_b"}
    assert (comparison.only_a, comparison.only_b) == (1, 1)
    found = score(comparison)
    assert (found.n, found.difference, found.unpaired) == (1, 1.0, 2)
    # The means are each side's own, so their difference is another one.
    assert (found.mean_a, found.mean_b) == (0.5, 1.0)


def test_a_failed_run_is_no_zero() -> None:
    comparison = compare(numbers(1.0, 1.0), numbers(1.0, None))
    assert verdicts(comparison) == {"r1": "same", "r2": "failed"}
    assert (score(comparison).mean_b, score(comparison).difference) == (1.0, 0.0)
    assert (comparison.b.records, comparison.b.failed) == (2, 1)


def test_a_record_that_one_side_did_not_score_is_unscored() -> None:
    a = [*numbers(1.0), Result(record_id="r2")]
    assert verdicts(compare(a, numbers(1.0, 1.0))) == {"r1": "same", "r2": "unscored"}


def test_a_score_of_a_failed_run_still_counts() -> None:
    failed = Result(record_id="r1", failed=True, scores={"exact": 0.0})
    assert verdicts(compare(numbers(1.0), [failed])) == {"r1": "worse"}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_pairs_with_nothing(value: float) -> None:
    comparison = compare(numbers(1.0), numbers(value))
    assert verdicts(comparison) == {"r1": "unscored"}
    assert score(comparison).difference is None
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


def test_less_is_better_where_it_is_said_to_be() -> None:
    comparison = compare(numbers(1.0, 2.0), numbers(0.5, 2.5), lower_is_better=["exact"])
    assert verdicts(comparison) == {"r1": "better", "r2": "worse"}
    assert score(comparison).difference == 0.0


def test_means_that_differ_by_rounding_are_the_same() -> None:
    assert verdicts(compare(numbers(0.1 + 0.2), numbers(0.3))) == {"r1": "same"}


@pytest.mark.parametrize("records", [0, 1])
def test_below_two_pairs_there_is_no_interval(records: int) -> None:
    found = score(compare(numbers(*[0.5] * records, None), numbers(*[1.0] * records, 1.0)))
    assert (found.n, found.low, found.high) == (records, None, None)
    assert found.difference == (0.5 if records else None)


def test_categories_are_compared_by_a_table_of_agreement() -> None:
    comparison = compare(categories("good", "good", "bad"), categories("good", "bad", "bad"))
    (found,) = comparison.labels
    assert (found.agreement, found.n) == (pytest.approx(2 / 3), 3)
    assert [(cell.a, cell.b, cell.records) for cell in found.table] == [
        ("bad", "bad", 1), ("good", "bad", 1), ("good", "good", 1),
    ]  # fmt: skip
    assert [row.labels["judge"].verdict for row in comparison.rows] == ["same", "different", "same"]


def test_categories_that_nobody_shares_have_no_agreement() -> None:
    (found,) = compare(categories("good"), numbers(1.0)).labels
    assert found == LabelComparison(name="judge", n=0, agreement=None, table=[], unpaired=1)
