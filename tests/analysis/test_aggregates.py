"""`aggregate_data` against values that were worked out by hand, and against a plain computation."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspan.analysis.aggregates import MAX_CATEGORIES, aggregates
from evalspan.experiments import Catalog
from evalspan.store import Store
from support.rows import Row, add, case, experiment, llm, score, span, summary

_numbers = itertools.count(1)


def aggregate(store: Store, experiment_id: str = "e1") -> dict[str, Any]:
    found = aggregates(store, [Catalog(store).experiments.get(experiment_id)])[experiment_id]
    json.dumps(found, allow_nan=False)
    return found


def scored(record: str, values: list[Any], name: str = "judge", experiment: str = "e1") -> list[Row]:
    """One execution of a record for each value, with that score."""
    runs = list(enumerate(values, 1))
    return [
        row
        for n, value in runs
        for row in (
            case(record, n, experiment=experiment),
            score(name, value, record, n, experiment=experiment),
        )
    ]


def test_a_score_has_its_distribution_over_cases_and_its_mean_of_record_means(store: Store) -> None:
    # r1 ran three times, r2 once: the mean of the cases is 0.75, that of the records 0.5.
    add(store, experiment("e1"), *scored("r1", [1, 1, 1]), *scored("r2", [0]))
    judge = aggregate(store)["evaluators"]["judge"]
    assert (judge["type"], judge["evaluations"], judge["count"], judge["n_errors"]) == ("score", 4, 4, 0)
    assert (judge["mean"], judge["stddev"], judge["min"], judge["max"]) == (0.75, 0.5, 0, 1)
    assert judge["quantiles"] == {"p5": pytest.approx(0.15), "p25": 0.75, "p50": 1, "p75": 1, "p95": 1}
    assert judge["histogram"]["counts"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    assert judge["multi_run"]["mean"] == 0.5
    assert judge["multi_run"]["stddev"] == pytest.approx(0.5**0.5)
    assert judge["multi_run"]["n_means"] == 2


def test_each_run_stands_beside_the_whole(store: Store) -> None:
    add(store, experiment("e1", run_count=3, expected_records=2))
    add(store, *scored("r1", [1, 0, 1]), *scored("r2", [0]))
    found = aggregate(store)
    runs = [(run["run_iteration"], run["cases"], run["evaluators"]["judge"]["mean"]) for run in found["runs"]]
    nothing_failed = {"failed": 0, "error_rate": 0.0}
    assert runs == [
        (1, {"count": 2, "records": 2, "expected": 2, "missing": 0, **nothing_failed}, 0.5),
        (2, {"count": 1, "records": 1, "expected": 2, "missing": 1, **nothing_failed}, 0.0),
        (3, {"count": 1, "records": 1, "expected": 2, "missing": 1, **nothing_failed}, 1.0),
    ]
    assert found["cases"] == {"count": 4, "records": 2, "expected": 6, "missing": 2, **nothing_failed}


def test_labels_are_counted_and_the_mode_is_that_of_the_record_modes(store: Store) -> None:
    add(store, experiment("e1"), *scored("r1", ["long", "long", "long", "long"]))
    add(store, *scored("r2", ["short"]), *scored("r3", ["short"]))
    judge = aggregate(store)["evaluators"]["judge"]
    assert (judge["mode"], judge["categories"], judge["n_categories"]) == ("long", {"long": 4, "short": 2}, 2)
    assert (judge["mean"], judge["quantiles"], judge["histogram"]) == (None, None, None)
    over_records = judge["multi_run"]
    assert (over_records["mode"], over_records["categories"]) == ("short", {"short": 2, "long": 1})
    assert over_records["n_modes"] == 3


@pytest.mark.parametrize("labels", [["b", "a"], ["a", "b"], ["b", "a", "b", "a", "c"]])
def test_a_tie_goes_to_the_label_that_sorts_first(embedded_store: Store, labels: list[str]) -> None:
    add(embedded_store, experiment("e1"), *scored("r1", labels))
    judge = aggregate(embedded_store)["evaluators"]["judge"]
    assert (judge["mode"], judge["multi_run"]["mode"]) == ("a", "a")


def test_errors_are_counted_and_are_not_zeros(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"), *scored("r1", [1.0]), case("r2"), case("r3"))
    add(embedded_store, score("judge", None, "r2", error="quota", type="categorical"))
    add(embedded_store, score("judge", None, "r3", error_type="TimeoutError", type="categorical"))
    judge = aggregate(embedded_store)["evaluators"]["judge"]
    assert (judge["type"], judge["evaluations"], judge["count"], judge["n_errors"]) == ("score", 3, 1, 2)
    assert judge["error_rate"] == pytest.approx(2 / 3)
    assert judge["mean"] == judge["multi_run"]["mean"] == 1.0
    assert judge["multi_run"]["n_means"] == 1


def test_an_evaluator_that_only_failed_has_no_values(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"), case("r1"), score("judge", None, "r1", error="quota"))
    judge = aggregate(embedded_store)["evaluators"]["judge"]
    assert (judge["count"], judge["error_rate"]) == (0, 1.0)
    assert {judge[key] for key in ("mean", "stddev", "min", "max", "mode")} == {None}


def test_a_number_that_is_none_is_an_error(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"), *scored("r1", [float("nan"), float("inf"), 0.5]))
    judge = aggregate(embedded_store)["evaluators"]["judge"]
    assert (judge["n_errors"], judge["mean"], judge["max"]) == (2, 0.5, 0.5)


def test_failed_cases_are_counted_and_durations_cover_all(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"))
    add(embedded_store, *(case(f"r{n}", ms=n, status="error" if n == 4 else "ok") for n in range(1, 5)))
    found = aggregate(embedded_store)
    assert found["cases"]["failed"] == 1
    assert found["cases"]["error_rate"] == 0.25
    assert found["cases"]["missing"] is None
    assert found["duration_ms"] == {"mean": 2.5, "p50": 2.5, "p95": pytest.approx(3.85)}


def test_a_cost_with_an_unknown_part_is_unknown_and_what_is_known_stands_beside_it(
    embedded_store: Store,
) -> None:
    add(embedded_store, experiment("e1"), *(case(f"r{n}") for n in range(1, 4)))
    add(embedded_store, llm("r1", cost="0.25"), llm("r2", cost="0.75"), llm("r3", cost=None))
    found = aggregate(embedded_store)
    assert found["cost_usd"] == {"total": None, "known_total": 1.0, "mean": 0.5, "unknown_cases": 1}
    assert found["tokens"]["input"] == {"total": 30, "known_total": 30, "mean": 10, "unknown_cases": 0}
    assert found["tokens"]["total"]["total"] == 45
    assert found["llm_calls"] == 3


def test_a_case_without_calls_used_nothing_and_is_not_unknown(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"), case("r1"), case("r2"), llm("r1", cost="0.5"))
    assert aggregate(embedded_store)["cost_usd"] == {
        "total": 0.5, "known_total": 0.5, "mean": 0.5, "unknown_cases": 0,
    }  # fmt: skip


def test_an_experiment_without_data_has_nulls_and_no_zero_means(store: Store) -> None:
    add(store, experiment("e1", expected_records=5))
    found = aggregate(store)
    assert found["cases"] == {
        "count": 0, "failed": 0, "error_rate": None, "records": 0, "expected": 5, "missing": 5,
    }  # fmt: skip
    assert found["duration_ms"] == {"mean": None, "p50": None, "p95": None}
    assert found["cost_usd"] == {"total": None, "known_total": None, "mean": None, "unknown_cases": 0}
    assert found["evaluators"] == found["summary_evaluators"] == {}
    assert found["runs"] == []


def test_summary_evaluators_stand_apart_even_under_the_same_name(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"), *scored("r1", [1.0]))
    add(embedded_store, summary("judge", 0.25, 1), summary("judge", 0.75, 2))
    found = aggregate(embedded_store)
    assert found["evaluators"]["judge"]["count"] == 1
    assert found["summary_evaluators"]["judge"]["mean"] == 0.5
    assert [run["summary_evaluators"]["judge"]["mean"] for run in found["runs"]] == [0.25, 0.75]


def test_scores_and_calls_of_other_services_find_their_case_by_the_trace(store: Store) -> None:
    add(store, experiment("e1"), case("r1", 2, trace="t1"), experiment("e2"), case("r1", experiment="e2"))
    add(store, score("judge", 0.5, "", 0, experiment="", trace="t1"))
    add(store, span("t1", "far", span_type="LLM", input_tokens=7, output_tokens=1, total_tokens=8))
    found = aggregate(store)
    assert found["evaluators"]["judge"]["mean"] == 0.5
    assert [run["run_iteration"] for run in found["runs"]] == [2]
    assert found["tokens"]["total"] == {"total": 8, "known_total": 8, "mean": 8, "unknown_cases": 0}
    assert aggregate(store, "e2")["evaluators"] == {}


def test_what_was_sent_twice_or_ran_again_counts_once(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"), case("r1", trace="old"), score("judge", 0, "r1", trace="old"))
    add(embedded_store, case("r1", trace="new", at=9), llm("r1", trace="new", cost="1"))
    for _ in range(2):
        add(embedded_store, score("judge", 1.0, "r1", trace="new"), llm("r1", trace="old", cost="5"))
    found = aggregate(embedded_store)
    assert (found["cases"]["count"], found["evaluators"]["judge"]["evaluations"]) == (1, 1)
    assert found["evaluators"]["judge"]["mean"] == 1.0
    assert found["cost_usd"]["total"] == 1.0


def test_the_histogram_has_ten_buckets_from_the_least_to_the_greatest_beyond_zero_to_one(
    embedded_store: Store,
) -> None:
    add(embedded_store, experiment("e1"), *scored("r1", [float(n) for n in range(11)], "length"))
    add(embedded_store, *scored("r1", [7.0, 7.0], "constant"), *scored("r1", [0.3, 0.7], "unit"))
    found = aggregate(embedded_store)["evaluators"]
    assert found["length"]["histogram"]["edges"] == list(range(11))
    assert found["length"]["histogram"]["counts"] == [1] * 9 + [2]
    assert sum(found["constant"]["histogram"]["counts"]) == 2
    assert found["constant"]["histogram"]["edges"][0] == 6.5
    assert found["unit"]["histogram"]["edges"][3] == 0.3
    assert found["unit"]["histogram"]["counts"] == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]


def test_free_text_labels_are_cut_to_the_most_frequent(embedded_store: Store) -> None:
    labels = ["common", *(f"text {n:03}" for n in range(MAX_CATEGORIES + 20)), "common"]
    add(embedded_store, experiment("e1"), *scored("r1", labels))
    judge = aggregate(embedded_store)["evaluators"]["judge"]
    assert len(judge["categories"]) == MAX_CATEGORIES
    assert judge["n_categories"] == MAX_CATEGORIES + 21
    assert judge["mode"] == "common"


def test_hundreds_of_experiments_do_not_mix(embedded_store: Store) -> None:
    ids = [f"e{n}" for n in range(450)]
    add(embedded_store, *(experiment(each) for each in ids))
    add(
        embedded_store,
        *(row for n, each in enumerate(ids) for row in scored("r1", [n, n + 1], experiment=each)),
    )
    page = Catalog(embedded_store).experiments.find(limit=1000).items
    found = aggregates(embedded_store, page)
    assert {each: found[each]["evaluators"]["judge"]["mean"] for each in ids} == {
        each: n + 0.5 for n, each in enumerate(ids)
    }


def test_usage_counts_the_calls_that_the_results_count(store: Store) -> None:
    add(store, experiment("e1"), case("r1"), case("r1", 2), case("r2", trace="t2"))
    add(store, llm("r1", span_id="wrapper", cost="9"), llm("r1", span_id="inner", parent="wrapper", cost="1"))
    add(store, llm("r1", span_id="again", response_id="x", cost=None))
    add(store, llm("r1", span_id="priced", response_id="x", cost="2"))
    add(store, llm("r1", 2, span_id="judge", evaluator="exact", cost="7"))
    refused: dict[str, Any] = {"status": "error", "error_type": "429", "tokens": None, "cost": None}
    add(store, llm("r1", 2, span_id="refused", **refused), llm("r1", 2, span_id="answered", cost="4"))
    add(store, span("t2", "far", span_type="EMBEDDING", input_tokens=7, total_tokens=7, cost_usd=None))
    [result] = store.query(
        "SELECT sum(llm_calls) AS calls, sum(total_tokens) AS tokens, toFloat64(sum(cost_usd)) AS cost, "
        "countIf(llm_calls > 0 AND isNull(cost_usd)) AS unknown FROM experiment_results"
    )
    found = aggregate(store)
    assert found["cost_usd"]["known_total"] == result["cost"] == 7
    assert found["cost_usd"]["unknown_cases"] == result["unknown"] == 1
    assert found["tokens"]["total"]["known_total"] == result["tokens"]
    assert found["llm_calls"] == result["calls"]


Scores = dict[tuple[str, int], float | str | None]
KEYS = st.tuples(st.sampled_from(["r1", "r2", "r3"]), st.integers(1, 3))
NUMBERS: st.SearchStrategy[Scores] = st.dictionaries(KEYS, st.none() | st.floats(-1e6, 1e6), max_size=9)
LABELS: st.SearchStrategy[Scores] = st.dictionaries(KEYS, st.none() | st.sampled_from("abc"), max_size=9)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(f"chdb://{tmp_path_factory.mktemp('aggregates')}") as store:
        yield store


@settings(max_examples=25, deadline=None)
@given(scores=NUMBERS | LABELS)
def test_it_equals_a_plain_computation_and_the_summary_view(shared_store: Store, scores: Scores) -> None:
    key = f"random{next(_numbers)}"
    add(shared_store, experiment(key))
    add(shared_store, *(score("judge", said, *place, experiment=key) for place, said in scores.items()))
    judge = aggregate(shared_store, key)["evaluators"].get("judge")
    if judge is None:
        assert not scores
        return
    values = [value for value in scores.values() if value is not None]
    assert (judge["evaluations"], judge["count"]) == (len(scores), len(values))
    numbers = [value for value in values if not isinstance(value, str)]
    assert judge["mean"] == (pytest.approx(statistics.fmean(numbers)) if numbers else None)
    assert judge["stddev"] == (pytest.approx(statistics.stdev(numbers)) if len(numbers) > 1 else None)
    assert (judge["categories"] or {}) == Counter(value for value in values if isinstance(value, str))
    assert sum(judge["histogram"]["counts"]) == len(numbers) if numbers else judge["histogram"] is None
    [row] = shared_store.query(f"SELECT * FROM experiment_summary WHERE experiment_id = '{key}'")
    over_records = judge["multi_run"]
    assert over_records["mean"] == (None if row["mean"] is None else pytest.approx(row["mean"]))
    assert over_records["stddev"] == (None if row["spread"] is None else pytest.approx(row["spread"]))
    assert (over_records["mode"], over_records["categories"] or {}) == (row["mode"], row["mode_counts"])
