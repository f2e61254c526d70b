"""`experiment_records` and `experiment_summary`: every record weighs the same, whatever ran of it."""

from __future__ import annotations

from typing import Any

import pytest

from evalspan.store import Store
from support.rows import Row, add, case, experiment, llm, score, summary


def test_the_mean_of_an_experiment_is_the_mean_of_its_record_means(store: Store) -> None:
    # r1 ran three times, r2 once: the mean of all four scores would be 0.75.
    add(store, *scores("r1", [1, 1, 1]), *scores("r2", [0]))
    assert summary_of(store, "mean, n_records, n_scores") == (0.5, 2, 4)


def test_the_mode_of_an_experiment_is_the_mode_of_its_record_modes(store: Store) -> None:
    # Four times "long" in all and three times "short", yet "short" is the mode of two records of three.
    add(
        store,
        *scores("r1", ["long", "long", "long", "long"]),
        *scores("r2", ["short"]),
        *scores("r3", ["short"]),
    )
    assert summary_of(store, "mode, mode_counts, mean") == ("short", {"long": 1, "short": 2}, None)


@pytest.mark.parametrize("labels", [["b", "a"], ["a", "b"], ["b", "b", "a", "a", "c"]])
def test_a_tie_goes_to_the_label_that_sorts_first(store: Store, labels: list[str]) -> None:
    add(store, *scores("r1", labels))
    assert record_of(store, "labels") == ({"judge": "a"},)
    assert summary_of(store, "mode") == ("a",)


def test_a_failed_run_is_missing_from_n_and_is_not_a_zero(store: Store) -> None:
    add(store, *scores("r1", [1.0]), case("r1", 2, status="error"))
    assert record_of(store, "scores, n, runs, failed_runs") == ({"judge": 1.0}, {"judge": 1}, 2, 1)
    assert summary_of(store, "mean, n_records, n_scores") == (1.0, 1, 1)


def test_an_evaluator_that_failed_is_counted_as_an_error_and_not_as_a_score(store: Store) -> None:
    add(store, *scores("r1", [1.0]), case("r2"), score("judge", None, "r2", error="quota"))
    assert summary_of(store, "mean, n_records, n_scores, n_errors") == (1.0, 1, 1, 1)


def test_an_evaluator_that_only_failed_has_neither_mean_nor_mode(store: Store) -> None:
    add(store, case("r1"), score("judge", None, "r1", error="quota"))
    assert summary_of(store, "mean, mode, spread, n_records, n_errors") == (None, None, None, 0, 1)


def test_a_failure_in_the_last_run_does_not_change_the_type_of_an_evaluator(store: Store) -> None:
    add(store, case("r1", 1), case("r1", 2), score("judge", 0.5, "r1", 1))
    add(store, score("judge", None, "r1", 2, type="categorical", error_type="ValueError"))
    assert store.query("SELECT type, mean, n_errors FROM experiment_summary") == [
        {"type": "score", "mean": 0.5, "n_errors": 1}
    ]


def test_spread_is_the_sample_standard_deviation_and_absent_below_two_runs(store: Store) -> None:
    add(store, *scores("r1", [1.0, 3.0]))
    assert record_of(store, "spread")[0]["judge"] == pytest.approx(2**0.5)
    assert summary_of(store, "spread, mean_spread_within_records") == (None, pytest.approx(2**0.5))
    add(store, *scores("r2", [5.0]))
    assert summary_of(store, "spread, min, max") == (pytest.approx(4.5**0.5), 2.0, 5.0)
    assert record_of(store, "spread", "r2") == ({},)


def test_summary_scores_stand_beside_record_scores_and_average_over_the_iterations(store: Store) -> None:
    add(store, *scores("r1", [1.0]), summary("f1", 0.25, 1), summary("f1", 0.75, 2))
    found = store.query("SELECT evaluator, source, mean, n_scores FROM experiment_summary ORDER BY evaluator")
    assert [tuple(row.values()) for row in found] == [("f1", "summary", 0.5, 2), ("judge", "record", 1.0, 1)]
    assert record_of(store, "scores") == ({"judge": 1.0},)


def test_a_case_that_ran_again_counts_once_and_its_earlier_scores_not_at_all(store: Store) -> None:
    add(store, case("r1", trace="old"), score("judge", 0.0, "r1", trace="old"))
    add(store, case("r1", trace="new", at=9), score("judge", 1.0, "r1", trace="new"))
    assert record_of(store, "scores, runs") == ({"judge": 1.0}, 1)
    assert summary_of(store, "mean, n_scores") == (1.0, 1)


def test_experiments_do_not_mix_in_one_summary(store: Store) -> None:
    add(store, experiment("e1"), *scores("r1", [1.0]))
    add(store, case("r1", experiment="e2"), score("judge", 0.0, "r1", experiment="e2"))
    found = store.query(
        "SELECT experiment, experiment_name, mean FROM experiment_summary ORDER BY experiment_id"
    )
    assert [row["mean"] for row in found] == [1.0, 0.0]
    assert found[0]["experiment_name"] == "unique name of e1"


def test_a_records_tokens_and_cost_are_means_over_the_runs_that_called(store: Store) -> None:
    # The third run failed before its first call: it used nothing that would count.
    add(
        store,
        case("r1"),
        llm("r1", tokens=(10, 5), cost="0.001"),
        case("r1", 2),
        case("r1", 3, status="error"),
    )
    add(store, llm("r1", 2, tokens=(30, 15), cost="0.002"))
    columns = "mean_input_tokens, mean_output_tokens, mean_total_tokens, mean_cost_usd"
    assert record_of(store, columns) == (20.0, 10.0, 30.0, pytest.approx(0.0015))


def test_one_run_of_unknown_usage_makes_a_records_means_unknown(store: Store) -> None:
    add(store, case("r1"), llm("r1"), case("r1", 2), llm("r1", 2, tokens=None, cost=None), case("r2"))
    assert record_of(store, "mean_total_tokens, mean_cost_usd") == (None, None)
    assert record_of(store, "mean_total_tokens, mean_cost_usd", "r2") == (None, None)


def test_a_record_carries_the_tags_and_the_experiments_metadata_of_its_latest_run(store: Store) -> None:
    add(store, case("r1", tags=["old"], experiment_metadata={"commit": "a"}))
    add(store, case("r1", 2, at=1, tags=["new"], experiment_metadata={"commit": "b"}))
    assert record_of(store, "tags, experiment_metadata") == (["new"], {"commit": "b"})


def scores(record: str, values: list[float] | list[str]) -> list[Row]:
    """One execution of a record for each value, with that score."""
    runs = enumerate(values, 1)
    return [row for n, value in runs for row in (case(record, n), score("judge", value, record, n))]


def summary_of(store: Store, columns: str) -> tuple[Any, ...]:
    """The only row of experiment_summary."""
    (row,) = store.query(f"SELECT {columns} FROM experiment_summary")
    return tuple(row.values())


def record_of(store: Store, columns: str, record: str = "r1") -> tuple[Any, ...]:
    """The row of one record in experiment_records."""
    (row,) = store.query(f"SELECT {columns} FROM experiment_records WHERE record_id = '{record}'")
    return tuple(row.values())
