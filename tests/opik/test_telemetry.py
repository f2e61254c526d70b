"""What the unmodified client sends beside experiments, and reads back."""

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
        cache.update(run("telemetry"))
    return cache


def test_a_tracked_function_is_a_trace_with_otlp_spans_below_it(seen: dict[str, Any], ask: Sql) -> None:
    found = ask(
        """SELECT s.name AS name, s.span_type AS type, p.name AS parent, p.span_type AS above,
            s.session_id AS session, s.total_tokens AS tokens, s.cost_usd > 0 AS priced
        FROM spans AS s LEFT JOIN spans AS p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
        WHERE s.trace_id = {trace:String} ORDER BY s.start_time, s.span_type DESC""",
        trace=seen["tracked"].replace("-", ""),
    )
    assert [(row["name"], row["type"], row["parent"], row["above"], row["tokens"]) for row in found] == [
        ("ask", "TASK", "", "", None), ("ask", "CHAIN", "ask", "TASK", None),
        ("call", "LLM", "ask", "CHAIN", 9),
    ]  # fmt: skip
    assert (found[0]["session"], found[2]["priced"]) == ("thread 1", 1)


def test_otlp_outside_of_a_trace_belongs_to_the_project_of_its_header(seen: dict[str, Any], ask: Sql) -> None:
    assert seen
    found = ask("SELECT attributes['evalspan.project.name'] AS project FROM spans WHERE name = 'alone'")
    assert found == [{"project": "app"}]


def test_a_failure_is_told_with_its_type_and_stack(seen: dict[str, Any], ask: Sql) -> None:
    assert "fails" in seen["names"]
    found = ask(
        "SELECT error_type, status_message, events[1].attributes['exception.stacktrace'] AS stack "
        "FROM spans WHERE name = 'fails' AND span_type = 'TASK'"
    )
    assert [(row["error_type"], row["status_message"]) for row in found] == [("KeyError", "'nothing here'")]
    assert "nothing here" in found[0]["stack"]


def test_the_client_reads_back_what_it_wrote(seen: dict[str, Any]) -> None:
    assert seen["names"] == ["by hand", "fails", "ask"]
    assert seen["content"] == [{"a": 1}, {"d": 4}, {"n": 2}, ["one"]]
    assert seen["spans"] == [["step", "tool", {"c": 3}, None]]
    assert seen["scores"] == [["polite", 1.0, "yes", "it said please"]]


def test_searches_find_by_tag_and_by_score(seen: dict[str, Any]) -> None:
    assert (seen["tagged"], seen["scored"]) == (["by hand"], ["by hand"])


def test_scores_are_of_the_trace_or_of_the_span_and_go_when_removed(seen: dict[str, Any], ask: Sql) -> None:
    found = ask("SELECT name, trace_id, score_value, label_value, explanation FROM evaluations ORDER BY name")
    assert [tuple(row.values()) for row in found] == [
        ("polite", seen["byhand"].replace("-", ""), 1, "yes", "it said please"),
        ("useful", "", 0.25, None, ""),
    ]
