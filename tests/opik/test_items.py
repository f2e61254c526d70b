"""Experiment items as the unmodified client reads and uploads them, and takes an experiment up again."""

from __future__ import annotations

from typing import Any

import pytest

from support.opik_client import Run, Sql


@pytest.fixture(scope="module")
def cache() -> dict[str, Any]:
    return {}


@pytest.fixture
def seen(run: Run, cache: dict[str, Any]) -> dict[str, Any]:
    """What the client saw; its script runs once."""
    if not cache:
        cache.update(run("items"))
    return cache


def test_a_resumed_experiment_runs_what_is_missing_and_nothing_twice(seen: dict[str, Any], ask: Sql) -> None:
    assert "not yet" in seen["first"]
    assert [None, 0] in seen["before"]
    done = [item for item in seen["after"] if item[1]]
    assert sorted((letter, output["output"], scores) for letter, output, scores in done) == [
        (letter, letter.upper(), [1.0]) for letter in "aabbcc"
    ]
    found = ask(
        """SELECT JSONExtractString(input, 'letter') AS letter, countIf(status = 'ok') AS ok,
            countIf(status = 'error') AS failed, groupArray(run_iteration) AS iterations
        FROM (SELECT * FROM experiment_results WHERE experiment_id = {id:String} ORDER BY run_iteration)
        GROUP BY letter ORDER BY letter""",
        id=seen["experiment"],
    )
    assert [(row["letter"], row["ok"]) for row in found] == [("a", 2), ("b", 2), ("c", 2)]
    failed = {row["letter"]: row["failed"] for row in found}
    assert failed["b"] >= 1
    assert all(row["iterations"] == list(range(1, row["ok"] + row["failed"] + 1)) for row in found)


def test_a_bulk_upload_brings_traces_spans_and_scores(seen: dict[str, Any], ask: Sql) -> None:
    assert sorted(seen["bulk"], key=str) == [
        [{"output": "bare"}, []], [{"output": 1}, [["size", 1.0]]], [{"output": 2}, [["size", 2.0]]],
    ]  # fmt: skip
    found = ask(
        """SELECT output, status, total_tokens, scores, duration_ms FROM experiment_results
        WHERE experiment_id = {id:String} ORDER BY output""",
        id=seen["uploaded"],
    )
    assert [(row["output"], row["total_tokens"], row["scores"], row["duration_ms"]) for row in found] == [
        ('{"output": "bare"}', None, {}, 0), ('{"output": 1}', 6, {"size": 1}, 2000),
        ('{"output": 2}', 6, {"size": 2}, 2000),
    ]  # fmt: skip
