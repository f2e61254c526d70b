"""What the face itself promises of traces, items and scores, beside what the client happens to send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opik import flow
from opik.flow import ITEMS, PRIVATE

from evalspan.api.server import Service
from support.opik_client import BASE, Sql


@pytest.fixture(scope="module")
def face(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.endpoint + BASE, timeout=60) as client:
        flow.prepare(client)
        yield client


def trace(face: httpx.Client, **more: Any) -> str:
    made = flow.identity(1)
    body = {"id": made, "project_name": "flow", "name": "t", "start_time": flow.moment(1), **more}
    flow.send(face, [("POST", f"{PRIVATE}/traces", body)])
    return made


def link(experiment: str, found: str, item: str = "first") -> dict[str, str]:
    return {
        "id": flow.identity(),
        "experiment_id": experiment,
        "dataset_item_id": ITEMS[item],
        "trace_id": found,
    }


def links(face: httpx.Client, *items: dict[str, str]) -> httpx.Response:
    return face.post(f"{PRIVATE}/experiments/items", json={"experiment_items": items})


def items(face: httpx.Client, experiment: str) -> list[dict[str, Any]]:
    dataset = face.get(f"{PRIVATE}/datasets", params={"name": "questions"}).json()["content"][0]["id"]
    path = f"{PRIVATE}/datasets/{dataset}/items/experiments/items"
    page = face.get(path, params={"experiment_ids": json.dumps([experiment])}).json()
    assert page["total"] == len(page["content"])
    return [each for row in page["content"] for each in row["experiment_items"]]


@pytest.mark.parametrize(
    "wrong", ["no id", "550e8400-e29b-41d4-a716-446655440000"], ids=["text", "version-4"]
)
def test_an_id_that_is_no_uuid_of_version_7_is_refused_by_name(face: httpx.Client, wrong: str) -> None:
    body = {"traces": [{"id": wrong, "start_time": flow.moment(1)}]}
    refused = face.post(f"{PRIVATE}/traces/batch", json=body)
    assert refused.status_code == 400
    assert wrong in refused.json()["message"]
    assert "/traces/0/id" in refused.json()["message"]


def test_an_item_of_no_experiment_is_refused_and_its_trace_kept(face: httpx.Client) -> None:
    found = trace(face)
    assert links(face, link(flow.identity(), found)).status_code == 404
    assert face.get(f"{PRIVATE}/traces/{found}").json()["name"] == "t"


def test_a_trace_is_the_execution_of_one_item_and_the_rest_of_a_batch_is_kept(face: httpx.Client) -> None:
    first, second = flow.begin(face), flow.begin(face)
    taken, free = trace(face), trace(face)
    assert links(face, link(first, taken)).status_code == 204
    refused = links(face, link(second, taken), link(second, free))
    assert (refused.status_code, taken in refused.json()["message"]) == (400, True)
    assert [each["trace_id"] for each in items(face, second)] == [free]


def test_an_item_sent_again_under_another_id_is_one_execution(face: httpx.Client) -> None:
    experiment, found = flow.begin(face), trace(face)
    for _ in range(2):
        assert links(face, link(experiment, found)).status_code == 204
    assert len(items(face, experiment)) == 1


def test_an_item_whose_trace_has_not_come_is_no_result_yet(face: httpx.Client, ask: Sql) -> None:
    experiment, found = flow.begin(face), flow.identity(1)
    assert links(face, link(experiment, found)).status_code == 204
    question = "SELECT status FROM experiment_results WHERE experiment_id = {id:String}"
    assert ask(question, id=experiment) == []
    assert [each["trace_id"] for each in items(face, experiment)] == [found]
    body = {"id": found, "project_name": "flow", "start_time": flow.moment(1)}
    flow.send(face, [("POST", f"{PRIVATE}/traces", body)])
    assert ask(question, id=experiment) == [{"status": "ok"}]


def test_a_removed_item_leaves_its_trace_and_the_trials_close_up(face: httpx.Client, ask: Sql) -> None:
    experiment = flow.begin(face)
    given = [link(experiment, trace(face)) for _ in range(3)]
    assert links(face, *given).status_code == 204
    flow.send(face, [("POST", f"{PRIVATE}/experiments/items/delete", {"ids": [given[0]["id"]]})])
    found = ask(
        "SELECT run_iteration, trace_id FROM experiment_results WHERE experiment_id = {id:String} ORDER BY 1",
        id=experiment,
    )
    left = [each["trace_id"].replace("-", "") for each in given[1:]]
    assert [tuple(row.values()) for row in found] == [(1, left[0]), (2, left[1])]
    assert face.get(f"{PRIVATE}/traces/{given[0]['trace_id']}").status_code == 200


def test_a_removed_trace_takes_its_spans_and_scores_along(face: httpx.Client, ask: Sql) -> None:
    found = trace(face)
    span = {"id": flow.identity(), "trace_id": found, "name": "s", "start_time": flow.moment(1)}
    score = {"name": "gone", "value": 1, "source": "sdk"}
    flow.send(
        face,
        [
            ("POST", f"{PRIVATE}/spans", span),
            ("PUT", f"{PRIVATE}/traces/{found}/feedback-scores", score),
            ("DELETE", f"{PRIVATE}/traces/{found}", {}),
        ],
    )
    assert face.get(f"{PRIVATE}/traces/{found}").status_code == 404
    left = "SELECT count() AS n FROM {} WHERE trace_id = {{id:String}}"
    key = found.replace("-", "")
    assert [ask(left.format(view), id=key)[0]["n"] for view in ("spans", "evaluations")] == [0, 0]


def test_tags_are_added_and_removed_one_by_one(face: httpx.Client) -> None:
    found = trace(face, tags=["a", "b"])
    change = {"tags_to_add": ["c"], "tags_to_remove": ["a"]}
    flow.send(face, [("PATCH", f"{PRIVATE}/traces/{found}", change)])
    assert face.get(f"{PRIVATE}/traces/{found}").json()["tags"] == ["b", "c"]


def test_assertions_pass_or_fail_the_item(face: httpx.Client, ask: Sql) -> None:
    experiment, found = flow.begin(face), trace(face)
    results = [
        {"entity_id": found, "name": "polite", "status": "passed", "source": "sdk"},
        {"entity_id": found, "name": "short", "status": "failed", "reason": "too long", "source": "sdk"},
    ]
    body = {"entity_type": "trace", "assertion_results": results}
    flow.send(face, [("PUT", f"{PRIVATE}/assertion-results", body)])
    assert links(face, link(experiment, found)).status_code == 204
    item = items(face, experiment)[0]
    assert (item["status"], item["feedback_scores"]) == ("failed", [])
    assert {each["value"]: each["passed"] for each in item["assertion_results"]} == {
        "polite": True, "short": False,
    }  # fmt: skip
    found_rows = ask(
        "SELECT name, type, score_value, assessment FROM evaluations "
        "WHERE experiment_id = {id:String} ORDER BY name",
        id=experiment,
    )
    assert [tuple(row.values()) for row in found_rows] == [
        ("polite", "boolean", 1, "pass"), ("short", "boolean", 0, "fail"),
    ]  # fmt: skip


def test_scores_of_two_threads_are_two(face: httpx.Client, ask: Sql) -> None:
    scores = [{"thread_id": each, "name": "calm", "value": 1, "source": "sdk"} for each in ("a", "b")]
    flow.send(face, [("PUT", f"{PRIVATE}/traces/threads/feedback-scores", {"scores": scores})])
    found = ask("SELECT attributes['opik.id'] AS thread FROM evaluations WHERE name = 'calm' ORDER BY thread")
    assert found == [{"thread": "a"}, {"thread": "b"}]


def test_items_are_streamed_by_descending_id(face: httpx.Client) -> None:
    experiment = flow.begin(face)
    assert links(face, *(link(experiment, trace(face)) for _ in range(3))).status_code == 204
    path = f"{PRIVATE}/experiments/items/stream"
    body: dict[str, Any] = {"experiment_name": "flow", "project_name": "flow", "limit": 2}
    first = [json.loads(line) for line in face.post(path, json=body).text.splitlines()]
    again = face.post(path, json={**body, "last_retrieved_id": first[-1]["id"]}).text.splitlines()
    ids = [each["id"] for each in [*first, *map(json.loads, again)]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids) > 2


def test_what_an_experiment_came_to_counts_every_score_and_call_of_every_trial(face: httpx.Client) -> None:
    experiment = flow.begin(face)
    for value in (0.0, 0.5, 1.0):
        found = trace(face, end_time=flow.moment(3))
        assert links(face, link(experiment, found)).status_code == 204
        scores = [{"id": found, "name": name, "value": value, "source": "sdk"} for name in ("right", "short")]
        call = {"trace_id": found, "name": "call", "type": "llm", "start_time": flow.moment(1)}
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        calls = [{**call, "id": flow.identity(), "usage": usage} for _ in range(2)]
        flow.send(
            face,
            [
                ("PUT", f"{PRIVATE}/traces/feedback-scores", {"scores": scores}),
                ("POST", f"{PRIVATE}/spans/batch", {"spans": calls}),
            ],
        )
    shown = face.get(f"{PRIVATE}/experiments/{experiment}").json()
    assert [(each["name"], each["value"], each["count"]) for each in shown["feedback_scores"]] == [
        ("right", 0.5, 3), ("short", 0.5, 3),
    ]  # fmt: skip
    assert shown["usage"]["total_tokens"] == 12
