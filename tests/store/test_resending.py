"""Sending twice is the same as sending once, in whatever order the blocks arrive."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalspan.store import Store
from support.rows import Row, add, case, llm, score, span, summary

VIEWS = ("spans", "evaluations", "experiment_results", "experiment_records", "experiment_summary")

BLOCKS: tuple[tuple[Row, ...], ...] = (
    (case("r1", at=1), llm("r1", response_id="x", tokens=None, cost=None)),
    (llm("r1", span_id="twin", response_id="x"), llm("r1", span_id="deep", parent="twin")),
    (case("r1", trace="again", at=5), score("judge", 0.5, "r1", trace="again", at=6)),
    (case("r2", status="error"), score("judge", None, "r2", error="quota")),
    (score("judge", 0.1, "r1"), score("tone", "kind", "r1", trace=""), score("tone", "rude", "r2", trace="")),
    (case("r1", 2), score("tone", "kind", "r1", 2), summary("f1", 0.5)),
    (span("again", "foreign", span_type="LLM", total_tokens=9),),
    (score("human", 1.0, "", 0, experiment="", trace="again"),),
)  # fmt: skip


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_blocks_sent_twice_in_any_order_read_the_same(store: Store, seed: int) -> None:
    for table in ("spans_data", "evaluations_data"):
        store.command(f"TRUNCATE TABLE {table}")
    for block in BLOCKS:
        add(store, *block)
    once = contents(store)
    resent = random.Random(seed).sample(BLOCKS, len(BLOCKS)) + random.Random(seed + 1).sample(BLOCKS, 5)
    for table in ("spans_data", "evaluations_data"):
        store.command(f"TRUNCATE TABLE {table}")
    for block in resent:
        add(store, *block)
    assert contents(store) == once


def test_what_was_sent_twice_reads_the_same_after_a_merge(store: Store) -> None:
    for block in (*BLOCKS, *BLOCKS):
        add(store, *block)
    before = contents(store)
    store.command("OPTIMIZE TABLE spans_data FINAL")
    store.command("OPTIMIZE TABLE evaluations_data FINAL")
    assert contents(store) == before


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {view: store.query(f"SELECT * FROM {view} ORDER BY ALL") for view in VIEWS}
