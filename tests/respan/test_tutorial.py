"""The three tracks of the vendor's tutorial, as a user types them: paths with and without a last slash,
the older dialect and the newer one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Over = Callable[[str], dict[str, Any]]

TICKETS = [
    {"name": "Ada", "issue": "late parcel", "order_id": "1"},
    {"name": "Bob", "issue": "broken cup", "order_id": "2"},
]


@pytest.fixture
def slug(client: httpx.Client) -> str:
    """A judge as tutorials make one: in the older form, and committed."""
    slug = f"quality_{uuid.uuid4().hex[:8]}"
    body = {
        "name": "Quality", "evaluator_slug": slug, "type": "llm", "score_value_type": "numerical",
        "configurations": {
            "evaluator_definition": "Rate {{output}} for {{input}}.", "scoring_rubric": "1 is bad, 5 is good",
            "llm_engine": "gpt-4o-mini", "model_options": {"temperature": 0}, "min_score": 1, "max_score": 5,
            "passing_score": 3,
        },
    }  # fmt: skip
    made = client.post("/evaluators", json=body)
    assert made.status_code == 201, made.text
    return slug


def dataset(client: httpx.Client, *inputs: Any) -> str:
    made = client.post("/datasets", json={"name": "tickets", "description": "d", "is_empty": True}).json()
    for each in inputs:
        assert client.post(f"/datasets/{made['id']}/logs", json={"input": each}).status_code == 201
    return str(made["id"])


def logs(client: httpx.Client, experiment_id: str, **query: Any) -> list[dict[str, Any]]:
    found = client.get(f"/v2/experiments/{experiment_id}/logs/list/", params=query)
    assert found.status_code == 200, found.text
    return found.json()["results"]


def test_a_prompt_workflow_fills_the_deployed_version_and_is_judged(
    client: httpx.Client, slug: str, over: Over
) -> None:
    prompt = client.post("/prompts/", json={"name": "support", "description": "d"}).json()["id"]
    version = {
        "messages": [{"role": "user", "content": "Dear {{name}}, about {{issue}} of {{order_id}}"}],
        "model": "gpt-4o-mini",
        "variables": {"name": "string", "issue": "string", "order_id": "string"},
    }
    body = {
        "dataset_id": dataset(client, *TICKETS),
        "workflows": [{"type": "prompt", "config": {"prompt_id": prompt}}],
        "evaluator_slugs": [slug],
        "name": "first",
    }
    assert client.post(f"/prompts/{prompt}/versions/", json=version).status_code == 201
    too_soon = client.post("/v2/experiments/", json=body)
    assert (too_soon.status_code, "deploy" in too_soon.json()["error"]) == (400, True)
    client.post(f"/prompts/{prompt}/versions/", json=version).raise_for_status()
    client.patch(f"/prompts/{prompt}/versions/1/", json={"deploy": True}).raise_for_status()
    made = client.post("/v2/experiments/", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["status"] in {"pending", "running", "completed"}
    assert made.json()["workflow"] == made.json()["workflows"]
    ended = over(made.json()["id"])
    assert (ended["status"], ended["progress"], ended["error_message"]) == ("completed", 100.0, None)
    found = logs(client, ended["id"])
    assert sorted(log["output"] for log in found) == [
        "re: Dear Ada, about late parcel of 1",
        "re: Dear Bob, about broken cup of 2",
    ]
    assert {log["scores"][slug]["numerical_value"] for log in found} == {4.0}
    assert {log["scores"][slug]["is_passed"] for log in found} == {True}
    (root,) = client.get(f"/v2/experiments/{ended['id']}/logs/{found[0]['id']}/").json()["span_tree"]
    below = {span["span_name"] for span in flat(root)}
    assert (root["log_type"], f"evaluator.{slug}" in {span["span_name"] for span in root["children"]}) == (
        "workflow",
        True,
    )
    assert any("load_prompt" in name for name in below)


def test_a_completion_workflow_hands_each_step_the_output_of_the_one_before(
    client: httpx.Client, slug: str, over: Over
) -> None:
    options = {"temperature": 0.2, "max_tokens": 50, "stop": None}
    models = ("gpt-4o-mini", "claude-haiku-4-5")
    steps = [{"type": "completion", "config": {"model": model, **options}} for model in models]
    data = dataset(client, [{"role": "user", "content": "hello"}])
    made = client.post(
        "/v2/experiments", json={"dataset_id": data, "workflow": steps, "evaluator_ids": [slug]}
    )
    assert made.status_code == 201, made.text
    ended = over(made.json()["id"])
    (log,) = logs(client, ended["id"])
    assert log["output"] == "re: re: hello"
    assert (log["status"], log["llm_call_count"], log["total_cost"] > 0) == ("success", 2, True)
    summary = client.post(f"/v2/experiments/{ended['id']}/logs/summary/", json={}).json()
    assert (summary["number_of_requests"], summary["scores"][slug]["avg_score"]) == (1, 4.0)
    assert summary["total_tokens"] == log["total_tokens"] > 0


def test_a_custom_workflow_waits_for_its_outputs_and_judges_what_is_handed_in(
    client: httpx.Client, slug: str, over: Over
) -> None:
    step = {"type": "custom", "config": {"allow_submission": True, "timeout_hours": 24, "name": "mine"}}
    data = dataset(client, *TICKETS)
    body = {"dataset_id": data, "workflows": [step], "evaluator_slugs": [slug], "name": "custom"}
    made = client.post("/v2/experiments/", json=body).json()["id"]
    waiting = logs(client, made, sort_by="input")
    assert [(log["status"], log["output"], log["scores"]) for log in waiting] == [("pending", None, {})] * 2
    assert json.loads(waiting[0]["input"]) == TICKETS[0]
    for log in waiting:
        given = {
            "output": {"reply": log["id"]},
            "metadata": {"by": "me"},
            "metrics": {"cost": 0.25, "latency": 2},
        }
        patched = client.patch(f"/v2/experiments/{made}/logs/{log['id']}", json=given)
        assert patched.status_code == 200, patched.text
        assert (patched.json()["id"], patched.json()["status"]) == (log["id"], "success")
    assert over(made)["status"] == "completed"
    for log in logs(client, made):
        assert (json.loads(log["output"]), log["total_cost"], log["duration"]) == (
            {"reply": log["id"]},
            0.25,
            2.0,
        )
        assert (log["metadata"]["by"], log["scores"][slug]["numerical_value"]) == ("me", 4.0)
        assert log["start_time"] is not None


def flat(span: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield span
    for child in span["children"]:
        yield from flat(child)
