"""The worked questions give the right answers, on data small enough to answer them by hand.

Dataset d1: q1 to q3 in version 1, q4 since version 2. Pipeline "small" ran twice: small-1 over
version 1 with two iterations, small-2 once, where q2 failed and q3 is not there. Pipeline "big" ran
once over version 2, where q4 is not there.

    exact      q1     q2     q3
    small-1    1, 1   1, 0   0, 0     0.001 $ a call, 10 + 5 tokens
    small-2    1      -      missing
    big-1      0      1      1        0.01 $ a call, unknown for q3
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from evalspan.errors import UsageError
from evalspan.store import Store, questions
from support.clickhouse_cluster import NAME
from support.rows import START, Row, add, case, dataset, experiment, llm, record, rows, score, span, trace_of

EXACT = {"evaluator": "exact"}
SMALL = {"experiment": "small-1", **EXACT}

ANSWERS: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "best_run": (
        {"experiment": "small", **EXACT},
        [("small-2", "s2", 1.0, None, 1, None), ("small-1", "s1", 0.5, None, 3, 0.5)],
    ),
    "worst_records": (SMALL, [("q3", 0.0, 2, 0), ("q2", 0.5, 2, 0), ("q1", 1.0, 2, 0)]),
    "disagreements": (
        {"first": "small-1", "second": "big", **EXACT},
        [("q1", 1.0, 0.0, -1.0), ("q3", 0.0, 1.0, 1.0), ("q2", 0.5, 1.0, 0.5)],
    ),
    "only_the_smaller_solved": ({"smaller": "small-1", "larger": "big-1", **EXACT}, [("q1", 1.0)]),
    "cost_per_correct_answer": (SMALL, [("small-1", 3, 0.006, 0.002)]),
    "latency_by_model": (SMALL, [("m-6b", 6, [35.0, 55.0, 57.5, 59.5], 35.0, 55.0, 57.5, 59.5)]),
    "flaky_records": (SMALL, [("q2", 2, ["1", "0"], 2)]),
    "evaluator_errors": (SMALL, [("small-1", "judge", 1, 3, 0.25), ("small-1", "exact", 0, 6, 0.0)]),
    "trace_tree": (
        {"trace_id": trace_of("s1", "q1", 1)},
        [
            ("s1/q1/1/case", "CASE", 1.0, "unset", "s1/q1/1/case"),
            ("  plan", "LLM", 10.0, "unset", "plan"),
            ("    search", "TOOL", 40.0, "unset", "t1"),
            ("  search", "TOOL", 20.0, "error", "t2"),
        ],
    ),
    "scores_by_metadata": (
        {"field": "topic", **SMALL},
        [("small-1", "math", 2, 0.75, 0), ("small-1", "words", 1, 0.0, 0)],
    ),
    "runs_by_commit": (
        {"experiment": "small", **EXACT},
        [("aaa", 1, "2026-01-01 00:00:00.000000", 0.5, 0), ("ccc", 1, "2026-01-03 00:00:00.000000", 1.0, 0)],
    ),
    "regressions": ({"baseline": "small-1", "candidate": "big-1", **EXACT}, [("q1", 1.0, 0.0)]),
    "score_histogram": (
        {"width": 0.3, "experiment": "small", **EXACT},
        [(0.0, 3, "█" * 30), (0.9, 4, "█" * 40)],
    ),
    "most_expensive_records": (
        {"experiment": "big"},
        [("q3", 1, None, None), ("q1", 1, 0.01, 15), ("q2", 1, 0.01, 15)],
    ),
    "tokens_by_model": ({"experiment": "big-1"}, [("m-175b", 3, 20, 10, 1)]),
    "tool_calls": (SMALL, [("search", 2, 1, 30.0, 1)]),
    "missing_records": ({"experiment": "big-1"}, [("b1", "q4", 1)]),
    "explanations_of_failures": (
        {"experiment": "small", "evaluator": "judge", "below": 0.5},
        [("q2", 1, 0.25, "fail", "off by one")],
    ),
    "scores_over_time": (
        {"experiment": "small"},
        [
            ("2026-01-01 00:00:00.000000", "small-1", "exact", 0.5, None),
            ("2026-01-01 00:00:00.000000", "small-1", "judge", 0.5625, None),
            ("2026-01-03 00:00:00.000000", "small-2", "exact", 1.0, None),
        ],
    ),
    "unknown_usage": ({}, [("semconv", "", "m-175b", 4, 1, 1)]),
    "failures": ({"experiment": "small"}, [("ValueError", "boom", 1, ["q2"])]),
}


@pytest.fixture(scope="module", params=["embedded", "server", "cluster"])
def seeded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The data of this page, once on each engine and once on two shards."""
    cluster = ""
    if request.param == "embedded":
        address = f"chdb://{tmp_path_factory.mktemp('seeded')}"
    elif request.param == "server":
        address = request.getfixturevalue("clickhouse_server").address("questions")
    else:
        address, cluster = request.getfixturevalue("clickhouse_cluster").create("questions"), NAME
    with Store(address, cluster=cluster) as store:
        add(store, *seeds())
        yield store


@pytest.mark.parametrize("name", ANSWERS)
def test_a_question_has_the_answer_that_one_finds_by_hand(seeded: Store, name: str) -> None:
    parameters, expected = ANSWERS[name]
    given = {key: str(value) for key, value in parameters.items()}  # as the command line gives them
    found = rows(seeded.read(questions()[name][1], given))
    assert [tuple(row.values()) for row in found] == expected


def test_a_score_on_the_edge_of_two_steps_belongs_to_the_upper_one(embedded_store: Store) -> None:
    add(embedded_store, experiment("e1"))
    for number in range(11):
        add(embedded_store, case(f"r{number}"), score("judge", number / 10, f"r{number}"))
    parameters = {"experiment": "e1", "evaluator": "judge", "width": 0.1}
    found = rows(embedded_store.read(questions()["score_histogram"][1], parameters))
    assert [(row["from_score"], row["executions"]) for row in found] == [
        (number / 10, 1) for number in range(11)
    ]


def test_the_slowest_spans_come_first(seeded: Store) -> None:
    found = rows(seeded.read(questions()["slowest_spans"][1], SMALL))
    assert len(found) == 14
    assert [row["ms"] for row in found[:3]] == [60.0, 50.0, 40.0]
    assert (found[0]["record_id"], found[0]["run_iteration"]) == ("q3", 2)


def test_missing_records_are_told_by_iteration_and_by_the_version_that_ran(seeded: Store) -> None:
    found = rows(seeded.read(questions()["missing_records"][1], {"experiment": "small"}))
    assert [tuple(row.values()) for row in found] == [("s2", "q3", 1)]


def test_an_unknown_cost_makes_the_cost_of_an_answer_unknown(seeded: Store) -> None:
    found = rows(seeded.read(questions()["cost_per_correct_answer"][1], {"experiment": "big", **EXACT}))
    assert [tuple(row.values()) for row in found] == [("big-1", 2, None, None)]


def test_every_question_has_a_title_and_a_test(seeded: Store) -> None:
    known = questions()
    assert set(known) == set(ANSWERS) | {"slowest_spans"}
    assert all(title.rstrip(".").endswith("?") or "? " in title for title, _ in known.values())


def test_a_question_says_which_parameter_is_missing(seeded: Store) -> None:
    with pytest.raises(UsageError, match="evaluator"):
        seeded.read(questions()["worst_records"][1], {"experiment": "small"})


def seeds() -> list[Row]:
    topics = {"q1": "math", "q2": "math", "q3": "words"}
    found = [dataset("d1", current_version=2), record("d1", "q4", 2)]
    found += [record("d1", name, 1) for name in topics]
    found += [run("s1", "small", "small-1", 0, 1, "aaa", 2), run("b1", "big", "big-1", 1, 2, "bbb", 1)]
    found += [run("s2", "small", "small-2", 2, 1, "ccc", 1)]
    small = {("q1", 1): 1, ("q1", 2): 1, ("q2", 1): 1, ("q2", 2): 0, ("q3", 1): 0, ("q3", 2): 0}
    for number, ((name, iteration), exact) in enumerate(small.items(), 1):
        found.append(case(name, iteration, experiment="s1", metadata={"topic": topics[name]}))
        found.append(score("exact", exact, name, iteration, experiment="s1"))
        named: dict[str, Any] = {"span_id": "plan"} if number == 1 else {}
        found.append(
            llm(name, iteration, experiment="s1", at=1, ms=10 * number, request_model="m-6b", **named)
        )
    for name, exact in {"q1": 0, "q2": 1, "q3": 1}.items():
        known = name != "q3"
        found += [case(name, experiment="b1"), score("exact", exact, name, experiment="b1")]
        found.append(
            llm(
                name,
                experiment="b1",
                tokens=(10, 5) if known else None,
                cost="0.01" if known else None,
                **BIG,
            )
        )
    # A wrapper around the call of q1, which restates what the call used.
    wrapped = trace_of("b1", "q1", 1)
    found.append(llm("q1", experiment="b1", span_id="wrapper", cost="0.01", **BIG))
    found.append(llm("q1", experiment="b1", span_id=f"{wrapped}/llm", parent="wrapper", cost="0.01", **BIG))
    found += [case("q1", experiment="s2"), score("exact", 1, "q1", experiment="s2")]
    found.append(case("q2", experiment="s2", status="error", status_message="boom", error_type="ValueError"))
    return found + judged() + tools()


BIG: dict[str, Any] = {"request_model": "m-175b", "dialect": "semconv"}


def run(id: str, pipeline: str, name: str, day: int, version: int, commit: str, iterations: int) -> Row:
    return experiment(
        id,
        experiment=pipeline,
        experiment_name=name,
        dataset_id="d1",
        dataset_version=version,
        run_count=iterations,
        metadata={"commit": commit},
        created_at=START + timedelta(days=day),
    )


def judged() -> list[Row]:
    """The judge failed once, and explained one low score."""
    failed: dict[str, Any] = {"assessment": "fail", "explanation": "off by one"}
    return [
        score("judge", 1.0, "q1", experiment="s1"),
        score("judge", 0.75, "q1", 2, experiment="s1"),
        score("judge", 0.25, "q2", experiment="s1", **failed),
        score("judge", None, "q3", experiment="s1", error="quota"),
    ]


def tools() -> list[Row]:
    """Two tool calls in the first execution of q1: one below the call that planned it, one that failed."""
    trace = trace_of("s1", "q1", 1)
    common = {
        "experiment_id": "s1",
        "record_id": "q1",
        "run_iteration": 1,
        "span_type": "TOOL",
        "name": "search",
    }
    return [
        span(trace, "t1", "plan", at=2, ms=40, **common),
        span(trace, "t2", f"{trace}/case", at=3, ms=20, status="error", **common),
    ]
