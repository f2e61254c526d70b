"""What an experiment came to, over the Respan face. These ones were run elsewhere and came over OTLP."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from evalspan.api.server import Service
from ingest.build import START, logs, pairs, span, trace_id, traces

PROTOBUF = {"content-type": "application/x-protobuf"}
LONG = "x" * 300


@pytest.fixture(scope="module")
def experiment_id(service: Service) -> str:
    """Three records: of one score and a call each, but that the last one failed."""
    identity = str(uuid.uuid4())
    sent = [case(identity, n) for n in range(3)]
    scores = [score(identity, n, each[0].trace_id, each[0].span_id) for n, each in enumerate(sent[:2])]
    spans = traces(*(each for case in sent for each in case)).SerializeToString()
    with httpx.Client(base_url=service.endpoint, headers=PROTOBUF, timeout=30) as client:
        client.post("/v1/traces", content=spans).raise_for_status()
        client.post("/v1/logs", content=logs(*scores).SerializeToString()).raise_for_status()
    return identity


def case(experiment_id: str, number: int) -> list[Any]:
    """A case of one call of a model, and the span of its evaluator."""
    own = {
        "evalspan.experiment.id": experiment_id,
        "evalspan.record.id": f"r{number}",
        "evalspan.run_iteration": 1,
    }
    texts = {"evalspan.input": json.dumps({"q": number}), "evalspan.output": json.dumps(LONG), **own}
    failed = {"status": {"code": 2, "message": "boom"}} if number == 2 else {}
    at = {"start_time_unix_nano": START + number, "end_time_unix_nano": START + (number + 1) * 1_000_000_000}
    root = span({**texts, "evalspan.span.type": "CASE", "evalspan.experiment.name": "elsewhere",
                 "evalspan.metadata.team": "red" if number else "blue"},
                trace_id=trace_id(), name="root", **at, **failed)  # fmt: skip
    below = {"trace_id": root.trace_id, "parent_span_id": root.span_id}
    usage = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 10,
             "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cost": 0.5 + number}  # fmt: skip
    call = span({**own, **usage}, name="call", **below)
    judged = {**own, "evalspan.span.type": "EVALUATOR", "evalspan.evaluator.name": "good"}
    return [root, call, span(judged, name="evaluator.good", **below)]


def score(experiment_id: str, number: int, trace: bytes, root: bytes) -> LogRecord:
    values = {
        "gen_ai.evaluation.name": "good", "gen_ai.evaluation.score.value": float(number),
        "evalspan.evaluation.type": "boolean", "evalspan.experiment.id": experiment_id,
        "evalspan.record.id": f"r{number}", "evalspan.run_iteration": 1,
    }  # fmt: skip
    return LogRecord(
        time_unix_nano=START, event_name="gen_ai.evaluation.result", trace_id=trace, span_id=root,
        attributes=pairs(values),
    )  # fmt: skip


def listed(client: httpx.Client, experiment_id: str, body: Any = None, **query: Any) -> dict[str, Any]:
    answer = client.post(f"/v2/experiments/{experiment_id}/logs/list/", params=query, json=body or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def records(page: dict[str, Any]) -> list[str]:
    return [each["record_id"] for each in page["results"]]


def test_a_log_says_what_its_case_came_to(client: httpx.Client, experiment_id: str) -> None:
    page = listed(client, experiment_id, sort_by="start_time")
    first, last = page["results"][0], page["results"][2]
    assert (page["count"], first["name"], first["status"], last["status"]) == (3, "root", "success", "error")
    assert (first["total_cost"], first["total_tokens"], first["llm_call_count"]) == (0.5, 15, 1)
    assert (first["span_count"], first["duration"], last["error_count"]) == (3, 1.0, 1)
    assert (json.loads(first["input"]), first["output"], first["metadata"]["team"]) == (
        {"q": 0},
        LONG,
        "blue",
    )
    assert first["scores"]["good"]["boolean_value"] is False
    assert first["id"] == first["trace_unique_id"]


def test_the_same_input_has_the_same_comparison_key(client: httpx.Client, experiment_id: str) -> None:
    page = listed(client, experiment_id)
    keys = [each["comparison_key"] for each in page["results"]]
    assert len(set(keys)) == 3
    assert all(len(key) == 64 for key in keys)
    assert (
        records(listed(client, experiment_id, {"filters": {"comparison_key": keys[0]}})) == records(page)[:1]
    )


def test_a_preview_is_cut_and_says_so_and_a_detail_never_is(client: httpx.Client, experiment_id: str) -> None:
    cut = listed(client, experiment_id, preview_length=50)["results"][0]
    assert (len(cut["output"]), cut["is_truncated"], cut["truncated_fields"]) == (50, True, ["output"])
    for length in (0, -1, "many"):
        assert not listed(client, experiment_id, preview_length=length)["results"][0]["is_truncated"]
    url = f"/v2/experiments/{experiment_id}/logs"
    whole = client.get(f"{url}/{cut['id']}", params={"preview_length": 50}).json()
    assert (whole["output"], whole["is_truncated"]) == (LONG, False)
    listed_whole = listed(client, experiment_id, preview_length=50, detail=1)["results"][0]
    assert (listed_whole["output"], len(listed_whole["span_tree"])) == (LONG, 1)


def test_a_detail_has_the_whole_span_tree(client: httpx.Client, experiment_id: str) -> None:
    log = listed(client, experiment_id, sort_by="start_time")["results"][1]
    for identity in (log["id"], log["root_span_unique_id"]):
        detail = client.get(f"/v2/experiments/{experiment_id}/logs/{identity}/").json()
        (root,) = detail["span_tree"]
        below = {child["span_name"]: child for child in root["children"]}
        assert (root["span_name"], root["log_type"]) == ("root", "workflow")
        assert (below["call"]["model"], below["call"]["log_type"], below["call"]["cost"]) == (
            "m",
            "chat",
            1.5,
        )
        told = json.loads(below["evaluator.good"]["output"])["good"]
        assert (below["evaluator.good"]["log_type"], told["primary_score"]) == ("score", 1.0)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"status": "error"}, ["r2"]),
        ([{"field": "total_cost", "operator": ">", "value": 1}], ["r1", "r2"]),
        ({"cost": {"operator": "lte", "value": [0.5]}}, ["r0"]),
        ({"metadata__team": "red"}, ["r1", "r2"]),
        ({"scores.good": {"operator": "", "value": [True]}}, ["r1"]),
        ({"scores.good.boolean_value": False}, ["r0"]),
        ({"scores.good": {"operator": "isnull", "value": True}}, ["r2"]),
        ({"input.q": {"gte": 1}}, ["r1", "r2"]),
        ({"output": {"operator": "contains", "value": "XXX"}}, ["r0", "r1", "r2"]),
        ({"latency": {"gt": 2.5}}, ["r2"]),
    ],
)
def test_logs_are_found_by_status_cost_metadata_text_and_score(
    client: httpx.Client, experiment_id: str, filters: Any, wanted: list[str]
) -> None:
    assert sorted(records(listed(client, experiment_id, {"filters": filters}))) == wanted


def test_logs_are_sorted_and_paged(client: httpx.Client, experiment_id: str) -> None:
    assert records(listed(client, experiment_id, sort_by="-total_cost")) == ["r2", "r1", "r0"]
    assert records(listed(client, experiment_id, sort_by="scores.good")) == ["r0", "r1", "r2"]
    page = listed(client, experiment_id, sort_by="-cost", page=2, page_size=2)
    assert (records(page), page["count"], page["next"]) == (["r0"], 3, None)
    assert records(listed(client, experiment_id, page=9)) == []


def test_an_empty_list_says_why_it_is_empty(client: httpx.Client, experiment_id: str) -> None:
    none = listed(client, experiment_id, {"filters": {"status": "pending"}})
    assert none["message"] == "No log meets the filters and the time range."
    assert records(listed(client, experiment_id, start_time="2250-01-01T00:00:00Z")) == []
    assert "message" not in listed(client, experiment_id)


def test_a_summary_tells_what_is_known_and_how_much_is_not(client: httpx.Client, experiment_id: str) -> None:
    found = client.post(f"/v2/experiments/{experiment_id}/logs/summary/", json={}).json()
    assert (found["number_of_requests"], found["total_cost"], found["total_tokens"]) == (3, 4.5, 45)
    assert (found["error_count"], found["unknown_cost_count"], found["avg_latency"]) == (
        1,
        0,
        pytest.approx(2),
    )
    assert (found["scores"]["good"]["true_count"], found["scores"]["good"]["false_count"]) == (1, 1)
    empty = client.get(f"/v2/experiments/{experiment_id}/logs/summary", params={"start_time": "2250-01-01"})
    assert (empty.json()["number_of_requests"], empty.json()["avg_latency"]) == (0, 0.0)


def test_a_histogram_counts_the_scores_of_one_evaluator(client: httpx.Client, experiment_id: str) -> None:
    url = f"/v2/experiments/{experiment_id}/histogram/"
    found = client.post(url, params={"evaluator_id": "good"}).json()
    assert [(each["label"], each["count"]) for each in found["bins"]] == [("false", 1), ("true", 1)]
    assert found["stats"] == {"min": 0.0, "max": 1.0, "mean": 0.5, "total": 2}
    assert "'bad'" in client.get(url, params={"evaluator_id": "bad"}).json()["detail"]
    assert client.get(url, params={"evaluator_id": "good", "bins": 51}).status_code == 400


def test_an_export_is_every_log_whole(client: httpx.Client, experiment_id: str) -> None:
    told = client.get(f"/v2/experiments/{experiment_id}/logs/list/", params={"export": 1}).json()
    lines = [json.loads(line) for line in client.get(told["download_url"]).text.splitlines()]
    assert sorted(line["record_id"] for line in lines) == ["r0", "r1", "r2"]
    assert {line["output"] for line in lines} == {LONG}


def test_an_experiment_or_a_log_that_is_not_there_is_named(client: httpx.Client, experiment_id: str) -> None:
    for path in ("/v2/experiments/nowhere/logs/list", f"/v2/experiments/{experiment_id}/logs/nowhere"):
        answer = client.get(path)
        assert (answer.status_code, "'nowhere'" in answer.json()["detail"]) == (404, True)
