"""The client's own way of running experiments, and what the views then say."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from support.gentrace_client import Run, Sql

RESULTS = "SELECT * FROM experiment_results WHERE experiment_id = {id:String} ORDER BY started_at"


@pytest.fixture(scope="module")
def pipeline() -> str:
    """The id of a pipeline that was never made here."""
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def flow(run: Run, pipeline: str) -> dict[str, Any]:
    return run("flow", pipeline)


@pytest.fixture(scope="module")
def results(flow: dict[str, Any], ask: Sql) -> list[dict[str, Any]]:
    return ask(RESULTS, id=flow["experiment"])


def test_each_execution_is_a_row_with_what_it_was_given_and_gave(
    flow: dict[str, Any], results: list[dict[str, Any]]
) -> None:
    assert len(results) == 2 * 4 + 2 + 1
    china = [row for row in results if row["record_id"] == flow["cases"][0]]
    assert [row["run_iteration"] for row in china] == [1, 2]
    for row in china:
        assert json.loads(row["input"]) == {"country": "China"}
        assert json.loads(row["expected_output"]) == {"answer": "Beijing"}
        assert json.loads(row["output"])["answer"] == "Beijing"
        assert row["scores"] == {"exact_match": 1, "upper": 0, "length": 7}
        assert (row["total_tokens"], row["llm_calls"], row["status"]) == (1100, 1, "ok")
        assert row["cost_usd"] == pytest.approx((1000 * 0.15 + 100 * 0.6) / 1e6)
        assert (row["dataset"], row["metadata"]) == ("capitals", {"name": "capital of China"})
        assert (row["experiment"], row["experiment_metadata"]["commit"]) == ("capitals", "abc123")


def test_every_test_case_ran_twice_and_every_score_counts_once(
    flow: dict[str, Any], results: list[dict[str, Any]], ask: Sql
) -> None:
    numbers = {(row["record_id"], row["run_iteration"]) for row in results}
    assert numbers >= {(case, iteration) for case in flow["cases"] for iteration in (1, 2)}
    counted = ask(
        "SELECT name, type, count() AS n FROM evaluations WHERE experiment_id = {id:String} GROUP BY ALL",
        id=flow["experiment"],
    )
    assert {(row["name"], row["type"]): row["n"] for row in counted} == {
        ("exact_match", "score"): 6, ("upper", "boolean"): 6, ("length", "score"): 6, ("judged", "score"): 2,
    }  # fmt: skip


def test_an_error_is_told_once_and_in_its_own_words(
    flow: dict[str, Any], results: list[dict[str, Any]], ask: Sql
) -> None:
    failed = [row for row in results if row["status"] == "error"]
    assert [(row["error_type"], row["error"], row["output"], row["scores"]) for row in failed] == [
        ("ValueError", "no such country", "null", {}),
        ("ValueError", "no such country", "null", {}),
        ("KeyError", "'absent'", "null", {}),
    ]
    told = ask(
        "SELECT name, status_message, countEqual(events.name, 'exception') AS times FROM spans "
        "WHERE experiment_id = {id:String} AND status = 'error' ORDER BY start_time",
        id=flow["experiment"],
    )
    assert {row["times"] for row in told} == {1}
    assert {row["status_message"] for row in told if row["name"] == "answer"} == {"no such country"}


def test_an_eval_is_a_case_whose_arguments_metadata_and_number_are_kept(
    results: list[dict[str, Any]],
) -> None:
    first, second = [row for row in results if row["metadata"]["name"] == "judged"]
    assert first["record_id"] == second["record_id"]
    assert (first["run_iteration"], second["run_iteration"]) == (1, 2)
    assert json.loads(first["input"]) == {"args": ["abc"], "kwargs": {"size": 6}}
    assert first["metadata"] == {"name": "judged", "grader": "strict", "limits": '{"max": 3}'}
    assert first["scores"] == {"judged": 0.5}


def test_the_spans_below_a_case_are_of_it_and_speak_their_own_dialects(
    flow: dict[str, Any], ask: Sql
) -> None:
    found = ask(
        "SELECT name, span_type, dialect, run_iteration, input, attributes FROM spans "
        "WHERE record_id = {record:String} ORDER BY start_time",
        record=flow["cases"][0],
    )
    assert [(row["name"], row["span_type"], row["dialect"]) for row in found[:4]] == [
        ("capital of China", "CASE", "gentrace"), ("answer", "CHAIN", "gentrace"),
        ("look up", "TASK", "gentrace"), ("chat", "LLM", "semconv"),
    ]  # fmt: skip
    assert [row["run_iteration"] for row in found] == [1] * 4 + [2] * 4
    assert json.loads(found[1]["input"]) == {"country": "China"}
    assert found[2]["attributes"]["rows"] == "4"


def test_the_experiment_is_over_and_its_link_leads_to_its_page(
    flow: dict[str, Any], pipeline: str, ask: Sql, service: Service
) -> None:
    found = ask(
        "SELECT status, project_id FROM experiments WHERE experiment_id = {id:String}", id=flow["experiment"]
    )
    assert found == [{"status": "completed", "project_id": pipeline}]
    page = httpx.get(flow["url"], follow_redirects=True)
    assert page.status_code == 200
    assert page.url == f"{service.endpoint}/experiments/{flow['experiment']}"
    assert "no such country" in page.text


def test_inside_a_span_of_the_users_each_case_has_what_is_below_it_and_no_more(run: Run, ask: Sql) -> None:
    done = run("nested")
    found = ask(RESULTS, id=done["experiment"])
    told = [
        (
            row["metadata"]["name"],
            row["input"] and json.loads(row["input"]),
            row["run_iteration"],
            row["total_tokens"],
        )
        for row in found
    ]
    assert sorted(told, key=str) == sorted(
        [
            ("n", {"number": 10}, 1, 11), ("n", {"number": 20}, 1, 21), ("n", {"number": 20}, 2, 21),
            ("Test Case 4", "", 1, None), ("Test Case (ID: mine)", {"number": 30}, 1, 31),
            ("outer", "", 1, 9 + 1 + 5001), ("inner", "", 1, 8),
        ],
        key=str,
    )  # fmt: skip
    by_name = {row["metadata"]["name"]: row for row in found}
    assert (by_name["Test Case 4"]["error_type"], by_name["Test Case 4"]["error"]) == (
        "ValidationError", "Input validation failed",
    )  # fmt: skip
    assert by_name["Test Case (ID: mine)"]["record_id"] == "mine"
    assert (by_name["inner"]["scores"], by_name["outer"]["scores"]) == ({"inner": 1}, {})
    [outside] = ask("SELECT total_tokens, experiment_id FROM spans WHERE input_tokens = 100000")
    assert outside == {"total_tokens": 100001, "experiment_id": ""}


def test_two_hundred_cases_at_once_are_all_there_and_none_twice(run: Run, ask: Sql) -> None:
    done = run("many", 200, uuid.uuid4())
    found = ask(RESULTS, id=done["experiment"])
    assert len(found) == 200
    assert len({(row["record_id"], row["run_iteration"]) for row in found}) == 200
    assert {row["run_iteration"] for row in found} == {1, 2}
    for row in found:
        number = json.loads(row["input"])["number"]
        assert (
            json.loads(row["output"])["number"] == json.loads(row["expected_output"])["number"] == number + 1
        )
        assert row["scores"] == {"number": number, "odd": number % 2}
    counts = ask(
        "SELECT name, count() AS n, uniqExact(record_id, run_iteration) AS cases FROM spans "
        "WHERE experiment_id = {id:String} AND span_type != 'CASE' GROUP BY name ORDER BY name",
        id=done["experiment"],
    )
    assert counts == [{"name": name, "n": 200, "cases": 200} for name in ("step", "work")]
