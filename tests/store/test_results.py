"""The rules of `experiment_results`: what one execution of one record amounts to."""

from __future__ import annotations

from typing import Any

from evalspan.store import Store
from support.rows import add, case, experiment, llm, score, span


def test_a_row_is_one_record_in_one_iteration(store: Store) -> None:
    add(store, case("r1", 1), case("r1", 2), case("r2", 1), case("r1", 1, experiment="e2"))
    found = store.query("SELECT experiment_id, record_id, run_iteration FROM experiment_results ORDER BY ALL")
    assert [tuple(row.values()) for row in found] == [
        ("e1", "r1", 1),
        ("e1", "r1", 2),
        ("e1", "r2", 1),
        ("e2", "r1", 1),
    ]


def test_a_resent_span_is_one_span_and_its_last_version_counts(store: Store) -> None:
    add(store, case("r1", output="first"), llm("r1", cost="0.1"))
    add(store, case("r1", output="second"), llm("r1", cost="0.2"))
    assert one(store, "output, llm_calls, toString(cost_usd) AS cost") == ("second", 1, "0.2")


def test_a_resent_score_counts_once_and_the_latest_score_wins(store: Store) -> None:
    add(store, case("r1"), score("judge", 0.1, "r1"), score("judge", 0.2, "r1"))
    assert one(store, "scores") == ({"judge": 0.2},)
    add(
        store,
        score("judge", 0.9, "r1", span_id="elsewhere", at=60),
        score("judge", 0.5, "r1", span_id="x", at=30),
    )
    assert one(store, "scores") == ({"judge": 0.9},)


def test_spans_of_other_services_count_through_their_trace(store: Store) -> None:
    foreign: dict[str, Any] = {"experiment": "", "tokens": (7, 3), "cost": "0.5"}
    add(store, case("r1", trace="t1"), llm("", 0, trace="t1", span_id="foreign", **foreign))
    add(store, score("judge", 1.0, "", 0, experiment="", trace="t1"))
    assert one(store, "total_tokens, toString(cost_usd) AS cost, scores['judge'] AS judge") == (
        10,
        "0.5",
        1.0,
    )
    where = store.query("SELECT experiment_id, record_id, run_iteration FROM spans WHERE span_id = 'foreign'")
    assert where == [{"experiment_id": "e1", "record_id": "r1", "run_iteration": 1}]


def test_spans_of_no_experiment_are_kept_outside_of_every_experiment(store: Store) -> None:
    add(store, case("r1"), span("other", "s1", span_type="LLM", total_tokens=5))
    found = store.query("SELECT experiment_id FROM spans WHERE trace_id = 'other'")
    assert found == [{"experiment_id": ""}]
    assert store.query("SELECT count() AS n FROM experiment_results") == [{"n": 1}]


def test_a_wrapper_that_restates_what_its_child_used_is_not_counted(store: Store) -> None:
    add(store, case("r1"), llm("r1", span_id="wrapper"), llm("r1", span_id="inner", parent="wrapper"))
    assert one(store, "llm_calls, total_tokens") == (1, 15)


def test_two_spans_of_one_response_count_once_and_the_one_that_knows_its_usage_counts(store: Store) -> None:
    add(store, case("r1"), llm("r1", span_id="a", response_id="x", tokens=None, cost=None))
    add(store, llm("r1", span_id="b", response_id="x"), llm("r1", span_id="c", response_id="y"))
    assert one(store, "llm_calls, total_tokens, toString(cost_usd) AS cost") == (2, 30, "0.002")


def test_an_unknown_cost_makes_the_sum_unknown_and_never_zero(store: Store) -> None:
    add(store, case("r1"), llm("r1", span_id="a"), llm("r1", span_id="b", cost=None))
    assert one(store, "cost_usd, total_tokens") == (None, 30)


def test_what_an_evaluator_calls_is_not_the_use_of_the_case(store: Store) -> None:
    add(store, case("r1"), llm("r1", span_id="task", cost="0.1"))
    add(store, llm("r1", span_id="judge", cost="5", evaluator="judge"))
    assert one(store, "llm_calls, toString(cost_usd) AS cost") == (1, "0.1")


def test_a_refused_call_used_nothing_and_a_lost_one_leaves_the_use_unknown(store: Store) -> None:
    unknown: dict[str, Any] = {"tokens": None, "cost": None, "status": "error"}
    add(store, case("r1"), llm("r1", span_id="good", tokens=(7, 3)))
    add(store, llm("r1", span_id="refused", error_type="429", **unknown))
    add(store, llm("r1", span_id="unconnected", error_type="ConnectError", **unknown))
    assert one(store, "llm_calls, total_tokens") == (1, 10)
    add(store, llm("r1", span_id="lost", error_type="ReadTimeout", **unknown))
    assert one(store, "llm_calls, total_tokens") == (2, None)


def test_a_case_without_llm_calls_has_no_cost(store: Store) -> None:
    add(store, case("r1"))
    assert one(store, "llm_calls, cost_usd, total_tokens") == (0, None, None)


def test_an_absent_score_is_null_and_no_average_counts_it(store: Store) -> None:
    add(store, case("r1"), case("r2"), score("judge", 1.0, "r1"), score("tone", "kind", "r2"))
    found = store.query(
        "SELECT avg(scores['judge']) AS mean, countIf(isNull(scores['judge'])) AS absent, "
        "groupArray(labels['tone']) AS tones FROM experiment_results"
    )
    assert found == [{"mean": 1.0, "absent": 1, "tones": ["kind"]}]


def test_an_evaluator_that_failed_gives_its_error_and_no_score(store: Store) -> None:
    add(store, case("r1"), score("judge", None, "r1", error="quota", error_type="RateLimit"))
    assert one(store, "scores, evaluator_errors") == ({}, {"judge": "quota"})


def test_a_failed_execution_is_an_error_with_its_message(store: Store) -> None:
    add(
        store,
        case("r1", status="error", status_message="boom", error_type="ValueError"),
        case("r2", status="unset"),
    )
    found = store.query("SELECT status, error, error_type FROM experiment_results ORDER BY record_id")
    assert [tuple(row.values()) for row in found] == [("error", "boom", "ValueError"), ("ok", "", "")]


def test_a_case_that_ran_again_shows_its_latest_execution(store: Store) -> None:
    add(store, case("r1", trace="new", at=10, output="new"), case("r1", trace="old", output="old"))
    add(store, llm("r1", trace="old", cost="5"), llm("r1", trace="new", cost="1"))
    assert one(store, "trace_id, output, toFloat64(cost_usd) AS cost") == ("new", "new", 1.0)


def test_scores_of_an_earlier_execution_do_not_stand_on_a_later_one(store: Store) -> None:
    add(store, case("r1", trace="old"), score("judge", 1.0, "r1", trace="old", at=5))
    add(store, case("r1", trace="new", at=10, status="error"))
    assert one(store, "status, scores") == ("error", {})
    assert store.query("SELECT sum(n_scores) AS n FROM experiment_summary") == [{"n": 0}]
    assert store.query("SELECT count() AS n FROM evaluations") == [{"n": 1}]


def test_scores_that_name_no_trace_or_one_of_their_own_belong_to_the_record(store: Store) -> None:
    add(
        store,
        case("r1"),
        case("r2"),
        score("human", 0.25, "r1", trace=""),
        score("human", 0.5, "r2", trace=""),
    )
    add(store, score("offline", 0.75, "r1", trace="trace of the judge"))
    found = store.query("SELECT scores FROM experiment_results ORDER BY record_id")
    assert [row["scores"] for row in found] == [{"human": 0.25, "offline": 0.75}, {"human": 0.5}]


def test_metadata_of_the_experiment_comes_from_the_case_and_from_the_api_which_wins(store: Store) -> None:
    add(store, case("r1", experiment_metadata={"commit": "abc", "by": "span"}, metadata={"topic": "math"}))
    add(store, experiment("e1", metadata={"by": "api", "owner": "me"}))
    merged = {"commit": "abc", "by": "api", "owner": "me"}
    assert one(store, "experiment_metadata, metadata") == (merged, {"topic": "math"})


def test_an_experiment_known_from_spans_alone_has_the_name_that_they_say(store: Store) -> None:
    add(store, case("r1", experiment="unknown"))
    assert one(store, "experiment, experiment_name") == ("name of unknown", "name of unknown")


def test_what_the_api_says_of_an_experiment_wins_over_what_was_learned_from_spans(store: Store) -> None:
    add(store, case("r1"), experiment("e1", revision=5, experiment="from the api"))
    add(store, experiment("e1", revision=0, experiment="from spans"))
    assert one(store, "experiment, experiment_name") == ("from the api", "unique name of e1")


def one(store: Store, columns: str) -> tuple[Any, ...]:
    """The only row of experiment_results."""
    (row,) = store.query(f"SELECT {columns} FROM experiment_results")
    return tuple(row.values())


def test_a_streamed_call_that_logfire_saw_is_two_spans_and_counts_once(store: Store) -> None:
    halves: dict[str, Any] = {"dialect": "logfire"}
    add(store, case("r1"), llm("r1", span_id="request", tokens=None, cost=None, duration_ns=9, **halves))
    add(store, llm("r1", span_id="record", tokens=(7, 3), duration_ns=0, **halves))
    assert one(store, "llm_calls, total_tokens, toString(cost_usd) AS cost") == (1, 10, "0.001")
    # The stream of a second one was closed early: it has no record, and what it used is not known.
    add(store, llm("r1", span_id="closed", tokens=None, cost=None, duration_ns=9, **halves))
    assert one(store, "llm_calls, total_tokens") == (2, None)
