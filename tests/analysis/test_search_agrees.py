"""The SQL of a query finds exactly what a plain reading of its tree finds, on both engines.

`make thorough` tries more queries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.naive import Item, meets
from analysis.samples import TOPICS, fill
from analysis.trees import nodes, number_tests, text_tests
from evalspan.analysis.fields import Level
from evalspan.analysis.search import search
from evalspan.analysis.tree import Node, Pattern, Term
from evalspan.store import Store
from support.effort import examples

NUMBERS = st.sampled_from(["0", "0.5", "1", "2", "3", "15", "25", "-1", "1e3", repr(1 / 3), "0.001", "55.0"])
WORDS = st.sampled_from([
    *TOPICS, "a", "%", "_", "\\", "'", '"', "{", "é", "good", "50%", "math", "hard", "difficulty:", "r",
    "Answer", "Timeout", "\n", "plain",
])  # fmt: skip
STATUS = st.sampled_from(["ok", "error"]).map(lambda text: Pattern((text,)))
BOTH_TEXTS = ["record_id", "@metadata.topic", "@metadata.level", "difficulty", "odd", "@tags"]


def terms(numbers: list[str], texts: list[str], *extra: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    return st.one_of(
        st.builds(Term, st.sampled_from(numbers), number_tests(NUMBERS)),
        st.builds(Term, st.sampled_from(texts), text_tests(WORDS)),
        st.builds(Term, st.just("@metadata.level"), number_tests(NUMBERS)),
        *extra,
    )


AVERAGED = ["total_tokens", "input_tokens", "output_tokens", "estimated_total_cost", "duration"]
OF_RUNS = terms(
    ["run_iteration", "@evaluations.custom.exact", "@trace.llm_calls", *(f"@trace.{n}" for n in AVERAGED)],
    [*BOTH_TEXTS, "error", "@input", "@output", "@evaluations.custom.judge"],
    st.builds(Term, st.none(), text_tests(WORDS)),
    st.builds(Term, st.just("status"), STATUS),
)
OF_RECORDS = terms(
    ["runs", "failed_runs", "@multi_run_avg.@evaluations.custom.exact"]
    + [f"@multi_run_avg.@trace.{name}" for name in AVERAGED],
    [*BOTH_TEXTS, "@input", "@multi_run_mode.@evaluations.custom.judge"],
)


def run_items(store: Store) -> list[Item]:
    rows = store.query(
        "SELECT *, toFloat64(cost_usd) AS cost FROM experiment_results WHERE experiment_id = 'e1'"
    )
    return [
        Item(
            key=(row["record_id"], row["run_iteration"]),
            numbers={
                "run_iteration": row["run_iteration"],
                "@evaluations.custom.exact": row["scores"].get("exact"),
                "@trace.llm_calls": row["llm_calls"],
                **{f"@trace.{name}_tokens": row[f"{name}_tokens"] for name in ("total", "input", "output")},
                "@trace.estimated_total_cost": row["cost"],
                "@trace.duration": row["duration_ms"],
            },
            texts={
                **_both(row),
                "status": row["status"],
                "@evaluations.custom.judge": row["labels"].get("judge"),
            },
            searched={
                "error": row["error"],
                "@input": row["input"],
                "@output": row["output"],
                "@expected_output": row["expected_output"],
            },
            tags=row["tags"],
        )
        for row in rows
    ]


def record_items(store: Store) -> list[Item]:
    averaged = "@multi_run_avg.@trace."
    return [
        Item(
            key=(row["record_id"], 0),
            numbers={
                "runs": row["runs"],
                "failed_runs": row["failed_runs"],
                "@multi_run_avg.@evaluations.custom.exact": row["scores"].get("exact"),
                **{f"{averaged}{n}_tokens": row[f"mean_{n}_tokens"] for n in ("total", "input", "output")},
                f"{averaged}estimated_total_cost": row["mean_cost_usd"],
                f"{averaged}duration": row["mean_duration_ms"],
            },
            texts={**_both(row), "@multi_run_mode.@evaluations.custom.judge": row["labels"].get("judge")},
            searched={"@input": row["input"]},
            tags=row["tags"],
        )
        for row in store.query("SELECT * FROM experiment_records WHERE experiment_id = 'e1'")
    ]


def _both(row: dict[str, Any]) -> dict[str, str | None]:
    metadata = row["metadata"]
    return {
        "record_id": row["record_id"],
        "@metadata.topic": metadata.get("topic"),
        "@metadata.level": metadata.get("level"),
    }


def agrees(
    store: Store,
    trees: st.SearchStrategy[Node],
    level: Level,
    items: Callable[[Store], list[Item]],
    tries: int,
) -> None:
    """Holds every generated query against the plain reading."""
    fill(store)
    plain = items(store)
    assert len(plain) > 5

    @settings(max_examples=tries, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(trees)
    def check(node: Node) -> None:
        found_level, page = search(store, "e1", str(node), limit=1000)
        found = [(row["record_id"], row.get("run_iteration", 0)) for row in page.items]
        expected = sorted(item.key for item in plain if meets(item, node))
        if found_level is not level:  # nothing in the query was of one level: each run is a row
            expected = sorted({record for record, _ in expected})
            assert sorted({record for record, _ in found}) == expected
        else:
            assert found == expected

    check()


def test_a_query_of_runs_finds_what_its_tree_says(store: Store) -> None:
    embedded = store.dsn.path is not None
    agrees(store, nodes(OF_RUNS), Level.RUN, run_items, examples(20 if embedded else 10))


def test_a_query_of_records_finds_what_its_tree_says(store: Store) -> None:
    embedded = store.dsn.path is not None
    agrees(store, nodes(OF_RECORDS), Level.RECORD, record_items, examples(20 if embedded else 10))
