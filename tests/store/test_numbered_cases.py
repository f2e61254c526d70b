"""Cases that leave their iteration to the views, and cases that stand inside a larger trace."""

from __future__ import annotations

import itertools
from typing import Any

from evalspan.store import Store, sql
from support.rows import Row, add, case, experiment, llm, score, span

CASES = """
SELECT record_id, run_iteration, trace_id, total_tokens, scores FROM experiment_results
WHERE experiment_id = 'e1' ORDER BY record_id, run_iteration
"""


def mark(trace: str = "", experiment_id: str = "e1") -> Row:
    return Row("documents_data", {"kind": "cases_by_start", "parent": experiment_id, "id": trace})


def execution(trace: str, at: float, record: str = "r1") -> Row:
    return case(record, 0, trace=trace, at=at)


def numbers(store: Store) -> list[tuple[Any, ...]]:
    return [(row["record_id"], row["run_iteration"], row["trace_id"]) for row in store.query(CASES)]


def test_executions_are_numbered_by_start_whatever_order_they_came_in(embedded_store: Store) -> None:
    starts = {"a": 3.0, "b": 1.0, "c": 1.0}
    for number, order in enumerate(itertools.permutations(starts)):
        add(embedded_store, mark(experiment_id=f"e{number}"))
        for trace in (*order, *reversed(order)):
            add(embedded_store, case("r1", 0, experiment=f"e{number}", trace=trace, at=starts[trace]))
    found = embedded_store.query("SELECT experiment_id, trace_id, run_iteration FROM experiment_results")
    assert len(found) == 6 * 3
    assert {(row["trace_id"], row["run_iteration"]) for row in found} == {("b", 1), ("c", 2), ("a", 3)}


def test_stated_iterations_stay_and_numbers_go_on_above_them(store: Store) -> None:
    add(store, mark(), case("r1", 2, trace="stated", at=5), execution("x", 1), execution("y", 0, "r2"))
    assert numbers(store) == [("r1", 2, "stated"), ("r1", 3, "x"), ("r2", 1, "y")]


def test_every_view_gives_a_case_the_same_number(store: Store) -> None:
    add(store, mark(), experiment("e1"), execution("late", 2), execution("early", 1))
    for trace, value in (("late", 0.25), ("early", 0.75)):
        by_span = score("exact", value, "", 0, trace="", span_id=f"{trace}/case")
        add(store, span(trace, f"{trace}/llm", f"{trace}/case", span_type="LLM", total_tokens=7), by_span)
        add(store, score("trace", value, "", 0, experiment="", trace=trace))
    found = {row["run_iteration"]: row for row in store.query(CASES)}
    assert {number: row["scores"] for number, row in found.items()} == {
        1: {"exact": 0.75, "trace": 0.75},
        2: {"exact": 0.25, "trace": 0.25},
    }
    assert [found[number]["total_tokens"] for number in (1, 2)] == [7, 7]
    spans = store.query("SELECT trace_id, name, run_iteration FROM spans ORDER BY trace_id, name")
    assert [(row["name"], row["run_iteration"]) for row in spans] == [
        ("early/case", 1), ("early/llm", 1), ("late/case", 2), ("late/llm", 2),
    ]  # fmt: skip


def inside(span_id: str, parent: str, record: str, at: float) -> Row:
    ids: dict[str, Any] = {"experiment_id": "e1", "record_id": record, "run_iteration": 0}
    return span("t", span_id, parent, at=at, span_type="CASE", **ids)


def shared_trace() -> list[Row]:
    """root > (spare call, c1 > step > call, c2 > call, c2 > c3 > call)."""
    paid: dict[str, Any] = {"span_type": "LLM", "input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    return [
        span("t", "root"),
        span("t", "spare", "root", **paid),
        inside("c1", "root", "r1", 1),
        span("t", "step", "c1"),
        span("t", "deep", "step", **paid),
        inside("c2", "root", "r1", 2),
        span("t", "call", "c2", **paid),
        span("t", "more", "c2", **paid),
        inside("c3", "c2", "r2", 3),
        span("t", "inner", "c3", **paid),
        span("t", "lost", "never came", **paid),
        score("of a span", 0.5, "", 0, experiment="", trace="t", span_id="deep"),
    ]


def test_in_a_shared_trace_a_span_is_of_the_nearest_case_above_it(store: Store) -> None:
    add(store, mark("t"), *shared_trace())
    found = store.query("SELECT name, span_id, record_id, run_iteration FROM spans WHERE record_id != ''")
    assert {(row["span_id"], row["record_id"], row["run_iteration"]) for row in found} == {
        ("c1", "r1", 1), ("step", "r1", 1), ("deep", "r1", 1),
        ("c2", "r1", 2), ("call", "r1", 2), ("more", "r1", 2), ("c3", "r2", 1), ("inner", "r2", 1),
    }  # fmt: skip
    assert store.query("SELECT count() AS n, uniqExact(span_id) AS ids FROM spans") == [{"n": 11, "ids": 11}]


def test_in_a_shared_trace_each_case_has_its_own_usage_and_scores(store: Store) -> None:
    add(store, mark("t"), *shared_trace())
    found = [(r["record_id"], r["run_iteration"], r["total_tokens"], r["scores"]) for r in store.query(CASES)]
    assert found == [
        ("r1", 1, 2, {"of a span": 0.5}), ("r1", 2, 4, {}), ("r2", 1, 2, {}),
    ]  # fmt: skip


def test_a_chain_of_parents_that_never_ends_hides_nothing_else(embedded_store: Store) -> None:
    circle = [span("t", "x", "y"), span("t", "y", "x"), span("t", "self", "self")]
    long = [span("t", f"s{n}", f"s{n - 1}" if n else "c1") for n in range(300)]
    add(embedded_store, mark("t"), *shared_trace(), *circle, *long, *circle)
    assert embedded_store.query("SELECT count() AS n FROM spans") == [{"n": 11 + 3 + 300}]
    assert len(embedded_store.query(CASES)) == 3


def test_other_experiments_read_as_they_did(store: Store) -> None:
    add(store, mark("t"), *shared_trace(), case("r1", experiment="e2"), llm("r1", experiment="e2"))
    found = store.query(
        "SELECT run_iteration, total_tokens FROM experiment_results WHERE experiment_id = 'e2'"
    )
    assert found == [{"run_iteration": 1, "total_tokens": 15}]


def test_the_aggregates_of_an_experiment_say_what_its_views_say(store: Store) -> None:
    by_span = [
        score("exact", value, "", 0, trace="", span_id=span_id)
        for span_id, value in (("c1", 1.0), ("c2", 0.5))
    ]
    add(store, mark("t"), mark(), *shared_trace(), *by_span)
    add(store, execution("own", 9), llm("", experiment="", trace="own", parent="own/case", tokens=(4, 4)))
    cases = {row["run"]: row for row in store.query(sql("queries/aggregate_cases"), {"ids": ["e1"]})}
    assert {run: (row["cases"], row["total_tokens"]) for run, row in cases.items()} == {
        -1: (4, 2 + 4 + 2 + 8), 1: (2, 2 + 2), 2: (1, 4), 3: (1, 8),
    }  # fmt: skip
    scores = store.query(sql("queries/aggregate_scores"), {"ids": ["e1"]})
    assert {(row["name"], row["run"]): (row["evaluations"], row["mean"]) for row in scores} == {
        ("exact", -1): (2, 0.75), ("exact", 1): (1, 1.0), ("exact", 2): (1, 0.5),
        ("of a span", -1): (1, 0.5), ("of a span", 1): (1, 0.5),
    }  # fmt: skip
