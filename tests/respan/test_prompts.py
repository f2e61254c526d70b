"""Prompts over the Respan face, as the tutorial types it."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

VERSION: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You help {{ name }}."},
        {"role": "user", "content": "{{ issue }} ({{ order_id }})"},
    ],
    "model": "gpt-4o-mini",
    "temperature": 0.7,
    "stream": None,
    "variables": {"name": "string", "issue": "string", "order_id": "string"},
}


@pytest.fixture
def prompt_id(client: httpx.Client) -> str:
    made = client.post("/prompts/", json={"name": f"Prompt {uuid.uuid4().hex[:8]}", "description": "d"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_the_tutorials_way_deploys_version_1_by_making_version_2(
    client: httpx.Client, prompt_id: str
) -> None:
    one = client.post(f"/prompts/{prompt_id}/versions", json=VERSION)
    assert (one.status_code, one.json()["version"], one.json()["readonly"]) == (201, 1, False)
    early = client.patch(f"/prompts/{prompt_id}/versions/1/", json={"deploy": True})
    assert (early.status_code, "draft" in early.json()["error"]) == (400, True)
    client.post(f"/prompts/{prompt_id}/versions/", json=VERSION).raise_for_status()
    live = client.patch(f"/prompts/{prompt_id}/versions/1", json={"deploy": True}).json()
    assert (live["version"], live["readonly"], live["is_deployed"]) == (1, True, True)
    found = client.get(f"/prompts/{prompt_id}/").json()
    assert (found["current_version"]["version"], found["live_version"]["version"]) == (2, 1)
    assert client.delete(f"/prompts/{prompt_id}/versions/1/").status_code == 400


def test_a_committed_version_is_deployed_and_stays_as_it_is(client: httpx.Client, prompt_id: str) -> None:
    client.post(f"/prompts/{prompt_id}/versions/", json=VERSION).raise_for_status()
    kept = client.post(f"/prompts/{prompt_id}/commits/", json={"description": "first"})
    assert (kept.status_code, kept.json()["version"], kept.json()["description"]) == (201, 1, "first")
    put_live = client.post(f"/prompts/{prompt_id}/deployments/", json={"version": 1})
    assert (put_live.status_code, put_live.json()["is_deployed"]) == (201, True)
    assert client.patch(f"/prompts/{prompt_id}/versions/1/", json={"model": "x"}).status_code == 403
    assert client.patch(f"/prompts/{prompt_id}/versions/2/", json={"model": "x"}).json()["model"] == "x"
    page = client.get(f"/prompts/{prompt_id}/versions/", params={"page_size": 1}).json()
    assert (page["count"], [each["version"] for each in page["results"]]) == (2, [2])


def test_what_goes_wrong_is_named_with_its_status(client: httpx.Client, prompt_id: str) -> None:
    path = f"/prompts/{prompt_id}/versions/"
    broken = {"messages": [{"role": "user", "content": "{{ name }"}]}
    for answer, status, told in (
        (client.post(path, json={"messages": []}), 400, "/messages"),
        (client.post(path, json=broken), 400, "Message 1 (user), line 1"),
        (client.get(path + "7/"), 404, "Prompt version 7 not found"),
        (client.get(path + "x/"), 404, "Prompt version x not found"),
        (client.post(f"/prompts/{prompt_id}/commits/", json={}), 400, "has no draft"),
        (client.get("/prompts/nope/"), 404, "no prompt 'nope'"),
        (client.post("/prompts/", json={"description": "nameless"}), 400, "/name"),
    ):
        assert (answer.status_code, told in answer.json()["error"]) == (status, True), answer.text


def test_a_field_that_is_nearly_a_known_one_is_refused_and_newer_ones_are_not(
    client: httpx.Client, prompt_id: str
) -> None:
    path = f"/prompts/{prompt_id}/versions/"
    made = client.post(path, json={**VERSION, "max_completion_tokens": 3, "environment": "x"})
    assert made.status_code == 201, made.text
    for refused in (
        client.post(path, json={**VERSION, "temprature": 1}),
        client.patch(f"{path}1/", json={"temprature": 1}),
    ):
        assert (refused.status_code, "did you mean 'temperature'" in refused.json()["error"]) == (400, True)
    returned = client.patch(f"{path}1/", json={**made.json(), "model": "other"})
    assert (returned.status_code, returned.json().get("model")) == (200, "other"), returned.text


def test_a_refused_change_leaves_the_prompt_as_it_is(client: httpx.Client, prompt_id: str) -> None:
    for body in ({"tags": "oops"}, {"starred": "maybe"}):
        assert client.patch(f"/prompts/{prompt_id}/", json=body).status_code == 400
    assert client.get(f"/prompts/{prompt_id}/").status_code == 200
    assert client.post("/prompts/list/", json={}).status_code == 200
    bulk = client.post(
        "/prompts/bulk/", json={"requests": [{"action": "commit", "prompt_id": prompt_id, "body": 5}]}
    )
    assert (bulk.status_code, "must be an object" in bulk.text) == (400, True), bulk.text


def test_a_prompt_without_a_version_says_how_to_add_one(client: httpx.Client, prompt_id: str) -> None:
    made = client.post("/prompts/", json={"name": "empty"}).json()["id"]
    steps = [{"type": "prompt", "config": {"prompt_id": made}}]
    dataset = client.post("/datasets/", json={"name": "rows", "is_empty": True}).json()["id"]
    refused = client.post("/v2/experiments/", json={"dataset_id": dataset, "workflow": steps})
    assert (refused.status_code, "has no version yet" in refused.json()["detail"]) == (400, True)


def test_prompts_are_listed_by_filters_and_order(client: httpx.Client, prompt_id: str) -> None:
    client.post(f"/prompts/{prompt_id}/versions/", json=VERSION).raise_for_status()
    name = client.patch(f"/prompts/{prompt_id}/", json={"starred": True, "tags": ["t"]}).json()["name"]
    filters = {"name": {"operator": "contains", "value": [name]}}
    asked = client.post(
        "/prompts/list/", params={"sort_by": "-current_version__updated_at"}, json={"filters": filters}
    )
    assert [each["id"] for each in asked.json()["results"]] == [prompt_id]
    assert client.post("/prompts/summary/", json={"filters": filters}).json() == {"total_count": 1}
    past = client.get("/prompts/", params={"page": 1000})
    assert (past.status_code, past.json()["results"]) == (200, [])
    assert client.delete(f"/prompts/{prompt_id}/").status_code == 204
    assert client.post("/prompts/summary/", json={"filters": filters}).json() == {"total_count": 0}


def test_bulk_operations_run_in_order_and_fail_one_by_one(client: httpx.Client, prompt_id: str) -> None:
    client.post(f"/prompts/{prompt_id}/versions/", json=VERSION).raise_for_status()
    requests: list[dict[str, Any]] = [
        {"action": "update", "prompt_id": prompt_id, "body": {"model": "other"}},
        {"action": "update", "prompt_id": prompt_id, "body": {"messages": []}},
        {"action": "commit", "prompt_id": prompt_id, "body": {"description": "bulk"}},
        {"action": "commit", "prompt_id": prompt_id},
        {"action": "deploy", "prompt_id": prompt_id},
        {"action": "deploy", "prompt_id": "nope"},
    ]
    answer = client.post("/prompts/bulk/", json={"requests": requests})
    assert (answer.status_code, answer.json()["success_count"]) == (200, 3)
    assert [each["index"] for each in answer.json()["errors"]] == [1, 3, 5]
    live = client.get(f"/prompts/{prompt_id}/").json()["live_version"]
    assert (live["version"], live["model"]) == (1, "other")
    assert client.post("/prompts/bulk/", json={"requests": requests[5:]}).status_code == 400
