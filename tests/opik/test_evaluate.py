"""`opik.evaluate` of the unmodified client: what the views then say. The list that the client returns may
lack results that it has sent, so it is the store that is asked."""

from __future__ import annotations

import httpx
import pytest

from support.opik_client import Run, Sql

SPANS_OF_A_TRACE = (
    12  # case, trace, task, model, metrics and for each of three metrics its check, itself; a judge
)


def test_trials_on_many_threads_are_all_there_and_none_twice(run: Run, ask: Sql, opik: httpx.Client) -> None:
    done = run("evaluate", PROJECT="many", TRIALS="3", THREADS="16", RECORDS="60")
    whole = ask(
        """SELECT count() AS cases, uniq(record_id, run_iteration) AS places, uniq(trace_id) AS traces,
            groupUniqArray(run_iteration) AS iterations, countIf(status = 'ok') AS ok,
            sum(total_tokens) AS tokens, round(sum(cost_usd), 9) AS cost,
            countIf(expected_output = output_text) AS right,
            uniqExact(mapSort(scores)) AS kinds
        FROM (SELECT *, JSONExtractRaw(output, 'output') AS output_text FROM experiment_results)
        WHERE experiment_id = {id:String}""",
        id=done["experiment_id"],
    )
    assert [{**row, "iterations": sorted(row["iterations"])} for row in whole] == [
        {"cases": 180, "places": 180, "traces": 180, "iterations": [1, 2, 3], "ok": 180, "tokens": 180 * 13,
         "cost": round(180 * 3.3e-6, 9), "right": 180, "kinds": 1},
    ]  # fmt: skip
    scores = ask(
        """SELECT name, count() AS n, uniq(record_id, run_iteration) AS places, avg(score_value) AS mean
        FROM evaluations WHERE experiment_id = {id:String} GROUP BY name ORDER BY name""",
        id=done["experiment_id"],
    )
    assert [tuple(row.values()) for row in scores] == [
        ("contains_metric", 180, 180, 1), ("equals_metric", 180, 180, 1), ("judged", 180, 180, 0.5),
    ]  # fmt: skip
    spans = ask(
        """SELECT count() AS n, uniq(span_id) AS different FROM spans
        WHERE experiment_id = {id:String}""",
        id=done["experiment_id"],
    )
    assert spans == [{"n": 180 * SPANS_OF_A_TRACE, "different": 180 * SPANS_OF_A_TRACE}]
    order = ask(
        """SELECT countIf(started_at < before) AS wrong FROM
        (SELECT started_at, lagInFrame(started_at, 1, started_at) OVER
            (PARTITION BY record_id ORDER BY run_iteration) AS before
        FROM experiment_results WHERE experiment_id = {id:String})""",
        id=done["experiment_id"],
    )
    assert order == [{"wrong": 0}]
    shown = opik.get(f"/v1/private/experiments/{done['experiment_id']}").json()
    assert (shown["trace_count"], {each["name"]: each["value"] for each in shown["feedback_scores"]}) == (
        180, {"contains_metric": 1, "equals_metric": 1, "judged": 0.5},
    )  # fmt: skip
    assert shown["total_estimated_cost"] == pytest.approx(180 * 3.3e-6)


def test_a_task_that_fails_is_a_failed_execution_and_not_a_missing_one(run: Run, ask: Sql) -> None:
    done = run("evaluate", PROJECT="failing", FAILS="task", THREADS="1")
    assert "no idea" in done["error"]
    found = ask(
        """SELECT status, error, error_type, output, scores FROM experiment_results
        WHERE project = 'failing' AND status = 'error'"""
    )
    assert found == [
        {"status": "error", "error": "no idea", "error_type": "ValueError", "output": "null", "scores": {}}
    ]


def test_a_metric_that_fails_leaves_a_span_with_its_error_and_no_score(run: Run, ask: Sql) -> None:
    done = run("evaluate", PROJECT="unjudged", FAILS="metric")
    scored = ask(
        "SELECT countIf(mapContains(scores, 'judged')) AS judged, countIf(status = 'ok') AS ok, count() AS n "
        "FROM experiment_results WHERE experiment_id = {id:String}",
        id=done["experiment_id"],
    )
    assert scored == [{"judged": 3, "ok": 4, "n": 4}]
    failed = ask(
        "SELECT name, evaluator, error_type, status_message FROM spans "
        "WHERE experiment_id = {id:String} AND status = 'error' ORDER BY name",
        id=done["experiment_id"],
    )
    assert {"name": "judged", "evaluator": "judged", "error_type": "RuntimeError",
            "status_message": "cannot tell"} in failed  # fmt: skip
