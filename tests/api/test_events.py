"""Events that are pushed over HTTP: spans and scores like those that came over OTLP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

BASE = "/api/v2/llm-obs/v1"
START = 1_760_000_000_123_456_789
Json = Any
Push = Callable[..., httpx.Response]


def attributes(**values: Json) -> Json:
    return {"data": {"type": "experiments", "attributes": values}}


@pytest.fixture
def experiment_id(client: httpx.Client) -> str:
    def made(path: str, **values: Json) -> str:
        return client.post(BASE + path, json=attributes(**values)).json()["data"]["id"]

    project = made("/projects", name="p")
    dataset = made(f"/{project}/datasets", name="d")
    return made("/experiments", name="e", project_id=project, dataset_id=dataset)


@pytest.fixture
def push(client: httpx.Client, experiment_id: str) -> Push:
    def pushed(**values: Json) -> httpx.Response:
        answer = client.post(f"{BASE}/experiments/{experiment_id}/events", json=attributes(**values))
        assert answer.status_code == 200, answer.text
        return answer

    return pushed


def span(span_id: str = "12345678901234567890", **values: Json) -> Json:
    """As the seed's table has it; the ids are free text there."""
    return {
        "span_id": span_id, "trace_id": "t-1", "name": "task", "start_ns": START, "duration": 2_000_000,
        "status": "ok", "tags": ["dataset_record_id:r1", "mine:1"],
        "meta": {"input": {"q": 1}, "output": "a", "expected_output": None, "metadata": {"k": 5}},
        **values,
    }  # fmt: skip


def metric(label: str = "exact", span_id: str = "12345678901234567890", **values: Json) -> Json:
    return {
        "span_id": span_id,
        "label": label,
        "metric_type": "score",
        "timestamp_ms": START // 10**6,
        **values,
    }


def ask(client: httpx.Client, statement: str) -> list[Json]:
    answer = client.post("/sql", content=statement)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_scores_that_come_before_their_span_find_it(client: httpx.Client, push: Push) -> None:
    push(metrics=[metric(score_value=0.5), metric("ok", metric_type="boolean", boolean_value=True)])
    assert ask(client, "SELECT count() AS n FROM experiment_results") == [{"n": 0}]
    push(spans=[span()], tags=["run_iteration:2", "run_id:x"])
    [row] = ask(client, "SELECT * FROM experiment_results")
    assert row["scores"] == {"exact": 0.5, "ok": 1}
    assert (row["record_id"], row["run_iteration"], row["run_id"]) == ("r1", 2, "x")
    assert (row["input"], row["output"], row["expected_output"]) == ('{"q": 1}', '"a"', "null")
    assert (row["experiment"], row["project"], row["dataset"]) == ("e", "p", "d")
    assert (row["metadata"], row["tags"], row["duration_ms"]) == ({"k": "5"}, ["mine:1"], 2)
    scores = ask(client, "SELECT record_id, run_iteration, trace_id FROM evaluations")
    assert scores == [{"record_id": "r1", "run_iteration": 2, "trace_id": row["trace_id"]}] * 2


def test_what_comes_twice_counts_once(client: httpx.Client, push: Push) -> None:
    for _ in range(3):
        push(
            spans=[span()],
            metrics=[
                metric(score_value=1),
                metric("total", span_id="", metric_source="summary", score_value=3),
            ],
            tags=["run_iteration:1"],
        )
    counts = "SELECT (SELECT count() FROM spans) AS spans, (SELECT count() FROM evaluations) AS scores"
    assert ask(client, counts) == [{"spans": 1, "scores": 2}]


def test_a_score_of_a_span_below_the_case_belongs_to_the_record(client: httpx.Client, push: Push) -> None:
    push(
        spans=[span(), span("77", parent_id="12345678901234567890", meta={"span": {"kind": "llm"}}, tags=[])],
        metrics=[metric("tone", "77", metric_type="categorical", categorical_value="dry")],
    )
    assert ask(client, "SELECT labels FROM experiment_results") == [{"labels": {"tone": "dry"}}]
    assert ask(client, "SELECT span_id FROM evaluations") == [{"span_id": f"{77:016x}"}]


def test_every_type_of_score_comes_back_as_it_was(
    client: httpx.Client, push: Push, experiment_id: str
) -> None:
    given: dict[str, dict[str, Json]] = {
        "score": {"score_value": 0.25},
        "boolean": {"boolean_value": False},
        "categorical": {"categorical_value": "", "reasoning": "why", "assessment": "pass"},
        "json": {"json_value": {"a": [1, None]}},
    }
    push(
        spans=[span()],
        metrics=[
            *(metric(kind, metric_type=kind, **value) for kind, value in given.items()),
            metric("broken", metric_type="categorical", categorical_value=None, status="ERROR",
                   error={"message": "boom", "type": "ValueError", "stack": "..."}),
            metric("all", span_id="", metric_source="summary", score_value=7),
        ],
    )  # fmt: skip
    found = client.get(f"{BASE}/experiments/{experiment_id}/events").json()["data"]["attributes"]
    [back] = found["spans"]
    scores = {score["label"]: score for score in back["eval_metrics"]}
    for kind, value in given.items():
        assert {name: scores[kind][name] for name in value} == value
        assert scores[kind]["metric_type"] == kind
    assert scores["broken"]["error"] == {"message": "boom", "type": "ValueError"}
    assert scores["broken"]["status"] == "ERROR"
    assert [(score["label"], score["score_value"]) for score in found["summary_metrics"]] == [("all", 7)]
    assert back["start_ns"] == START
    assert back["meta"] == {
        "input": {"q": 1}, "output": "a", "expected_output": None, "metadata": {"k": 5}, "error": {},
    }  # fmt: skip
    by_name = client.get(
        f"{BASE}/experiments/events", params={"filter[project_name]": "p", "filter[experiment_name]": "e"}
    )
    assert by_name.json()["data"]["attributes"] == found


def test_a_failed_span_keeps_its_error(client: httpx.Client, push: Push, experiment_id: str) -> None:
    error = {"message": "task boom", "type": "builtins.RuntimeError", "stack": "Traceback"}
    push(spans=[span(status="error", meta={"input": 1, "output": {}, "error": error})])
    [row] = ask(client, "SELECT status, error, error_type, output FROM experiment_results")
    assert row == {"status": "error", "error": "task boom", "error_type": "RuntimeError", "output": "null"}
    [back] = client.get(f"{BASE}/experiments/{experiment_id}/events").json()["data"]["attributes"]["spans"]
    assert back["meta"]["error"] == {**error, "type": "RuntimeError"}


def test_evaluations_of_any_span_are_taken_in_by_its_ids(client: httpx.Client, push: Push) -> None:
    push(spans=[span(trace_id="0af7651916cd43dd8448eb211c80319c", tags=["dataset_record_id:r1"])])
    joined = {"span": {"span_id": "12345678901234567890", "trace_id": "0af7651916cd43dd8448eb211c80319c"}}
    body = attributes(
        metrics=[{"label": "thumbs", "metric_type": "text", "text_value": "up", "join_on": joined}]
    )
    for prefix in ("", "/evp_proxy/v2"):
        assert client.post(f"{prefix}/api/intake/llm-obs/v2/eval-metric", json=body).status_code == 202
    assert ask(client, "SELECT labels FROM experiment_results") == [{"labels": {"thumbs": "up"}}]
    by_tag = {"tag": {"key": "k", "value": "v"}}
    refused = client.post(
        "/api/intake/llm-obs/v2/eval-metric",
        json=attributes(
            metrics=[{"label": "x", "metric_type": "score", "score_value": 1, "join_on": by_tag}]
        ),
    )
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["source"]["pointer"].startswith("/data/attributes/metrics/0/join_on")


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"spans": [{"span_id": "1"}]}, "/data/attributes/spans/0/start_ns"),
        ({"spans": [span(start_ns=2**63)]}, "/data/attributes/spans/0/start_ns"),
        ({"metrics": [{"span_id": "1", "metric_type": "score"}]}, "/data/attributes/metrics/0/label"),
        ({"metrics": [metric(metric_type="vibe")]}, "/data/attributes/metrics/0/metric_type"),
    ],
)
def test_wrong_events_are_refused_at_the_field(
    client: httpx.Client, experiment_id: str, values: Json, pointer: str
) -> None:
    refused = client.post(f"{BASE}/experiments/{experiment_id}/events", json=attributes(**values))
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["source"]["pointer"].startswith(pointer)


def test_events_of_no_experiment_are_refused(client: httpx.Client) -> None:
    assert client.post(f"{BASE}/experiments/none/events", json=attributes(spans=[])).status_code == 404


def test_an_event_is_answered_without_the_pause_of_delayed_acknowledgements(push: Push) -> None:
    """A client that scores one row after the other waits for each answer; two writes without
    TCP_NODELAY would cost 40 ms each."""
    push(metrics=[metric("warm", score_value=1)])
    taken: list[float] = []
    for number in range(15):
        started = time.perf_counter()
        push(metrics=[metric(f"m{number}", score_value=1)])
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.035
