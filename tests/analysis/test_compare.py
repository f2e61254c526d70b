"""Comparing experiments of a real store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evalspan.analysis.compare import Choice, compare_experiments
from evalspan.analysis.comparison import Comparison
from evalspan.errors import NotFoundError
from evalspan.experiments import Experiment
from evalspan.store import Store
from support.rows import Row, add, case, score


def choice(experiment_id: str, run: int | None = None) -> Choice:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    experiment = Experiment(
        experiment_id=experiment_id, project_id="", dataset_id="", experiment="x", experiment_name="x-1",
        created_at=moment, updated_at=moment,
    )  # fmt: skip
    return Choice(experiment, run)


def runs(experiment: str, record: str, *values: float | str | None) -> list[Row]:
    """One run for each value; None is a run that failed."""
    found: list[Row] = []
    for run, value in enumerate(values, 1):
        status = "error" if value is None else "ok"
        found.append(case(record, run, experiment=experiment, status=status, output=f"{experiment} {run}"))
        if value is not None:
            name = "judge" if isinstance(value, str) else "exact"
            found.append(score(name, value, record, run, experiment=experiment))
    return found


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {row.record_id: pair.verdict for row in comparison.rows for pair in row.scores.values()}


def test_all_runs_are_compared_by_record_means_however_many_each_side_has(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0, 0.0), *runs("e1", "r2", 1.0, 1.0))
    add(store, *runs("e2", "r1", 1.0, 1.0, 1.0), *runs("e2", "r2", 0.0))
    comparison = compare_experiments(store, choice("e1"), choice("e2"))
    (exact,) = comparison.scores
    assert (exact.mean_a, exact.mean_b, exact.difference, exact.n) == (0.75, 0.5, -0.25, 2)
    assert verdicts(comparison) == {"r1": "better", "r2": "worse"}


def test_one_run_is_compared_with_one_run_of_another_number(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0, 0.0), *runs("e2", "r1", 0.0, 0.0, 0.0, 1.0))
    first = compare_experiments(store, choice("e1", 1), choice("e2", 4), texts=True)
    assert verdicts(first) == {"r1": "same"}
    assert (first.a.run, first.b.run) == (1, 4)
    (row,) = first.rows
    assert (row.input, row.output_a, row.output_b) == ("in", "e1 1", "e2 4")
    assert verdicts(compare_experiments(store, choice("e1", 2), choice("e2", 4))) == {"r1": "better"}


def test_an_experiment_is_compared_with_itself_to_see_how_its_runs_vary(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0, 0.0), *runs("e1", "r2", 0.0, 1.0), *runs("e1", "r3", 1.0, 1.0))
    comparison = compare_experiments(store, choice("e1", 1), choice("e1", 2))
    assert verdicts(comparison) == {"r1": "worse", "r2": "better", "r3": "same"}


def test_missing_records_and_failed_runs_are_told_apart(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0), *runs("e1", "r2", 1.0), *runs("e1", "r3", 1.0))
    add(store, *runs("e2", "r1", 1.0), *runs("e2", "r2", None), *runs("e2", "r4", 1.0))
    comparison = compare_experiments(store, choice("e1", 1), choice("e2", 1))
    assert verdicts(comparison) == {"r1": "same", "r2": "failed", "r3": "only_a", "r4": "only_b"}


def test_over_all_runs_a_record_has_failed_when_each_of_its_runs_has(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0), *runs("e1", "r2", 1.0))
    add(store, *runs("e2", "r1", None, None), *runs("e2", "r2", None, 1.0))
    comparison = compare_experiments(store, choice("e1"), choice("e2"))
    assert verdicts(comparison) == {"r1": "failed", "r2": "same"}
    assert comparison.b.failed == 1


def test_booleans_are_numbers_and_categories_are_not(store: Store) -> None:
    add(store, *runs("e1", "r1", "good", "good", "bad"), *runs("e2", "r1", "bad"))
    add(store, score("passed", 1.0, "r1", experiment="e1", type="boolean"))
    add(store, score("passed", 0.0, "r1", experiment="e2", type="boolean"))
    comparison = compare_experiments(store, choice("e1"), choice("e2"))
    assert [(item.name, item.difference) for item in comparison.scores] == [("passed", -1.0)]
    (judge,) = comparison.labels
    assert [(cell.a, cell.b, cell.records) for cell in judge.table] == [("good", "bad", 1)]


def test_texts_are_read_when_they_are_asked_for(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0), *runs("e2", "r1", 1.0))
    (bare,) = compare_experiments(store, choice("e1"), choice("e2")).rows
    (with_input,) = compare_experiments(store, choice("e1"), choice("e2"), texts=True).rows
    assert (bare.input, with_input.input, with_input.output_a) == (None, "in", None)


def test_a_run_that_is_not_there_is_said_to_be_missing(store: Store) -> None:
    add(store, *runs("e1", "r1", 1.0))
    with pytest.raises(NotFoundError, match="'x-1' has no run iteration 7"):
        compare_experiments(store, choice("e1", 7), choice("e1", 1))
    with pytest.raises(NotFoundError, match="has no results"):
        compare_experiments(store, choice("e1"), choice("e9"))
