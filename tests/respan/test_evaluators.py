"""Evaluators over the Respan face: drafts, commits and trial runs, one of them asking a model."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from support.llm_wire import LLMWire

CODE = "def main(e): return 'short' if len(e['llm_output']) < 9 else 'long'"
# The form of the tutorial's time.
OLDER: dict[str, Any] = {
    "type": "llm",
    "score_value_type": "numerical",
    "configurations": {
        "evaluator_definition": "Rate: {{llm_output}}",
        "scoring_rubric": "5 is best",
        "llm_engine": "gpt-4o-mini",
        "model_options": {"temperature": 0},
        "min_score": 1.0,
        "max_score": 5.0,
        "passing_score": 3.0,
    },
}


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMWire]:
    with LLMWire(answer=lambda _model, _messages: '{"explanation": "fair", "score": 4}') as wire:
        yield wire


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, llm: LLMWire) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("evaluators") / "store"
    settings = Settings(store=f"chdb://{store}", http_port=0, grpc_port=0, code_evaluators=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in llm.variables().items():
            patch.setenv(name, value)
        with Service(settings) as running:
            yield running


def create(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/evaluators", json={"name": f"E {uuid.uuid4().hex[:8]}", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_judge_of_the_tutorials_form_asks_its_model(client: httpx.Client, llm: LLMWire) -> None:
    slug = f"helpful_{uuid.uuid4().hex[:8]}"
    made = create(client, evaluator_slug=slug, **OLDER)
    assert (made["evaluator_slug"], made["version"], made["is_read_only"]) == (slug, 0, False)
    assert made["llm_config"]["model"] == "gpt-4o-mini"
    inputs = {"input": "q", "output": {"role": "assistant", "content": "the answer"}}
    run = client.post(f"/evaluators/{made['id']}/run/", json={"inputs": inputs}).json()
    assert (run["numerical_value"], run["is_passed"], run["explanation"]) == (4.0, True, "fair")
    assert (run["evaluator_slug"], run["status"], run["boolean_value"]) == (slug, "success", None)
    asked = llm.calls[-1].body
    assert asked["messages"][-1]["content"] == "Rate: the answer"
    assert asked["temperature"] == 0


def test_a_commit_freezes_the_draft_and_changes_go_into_the_next(client: httpx.Client) -> None:
    path = f"/evaluators/{create(client, **OLDER)['id']}"
    changes = {"version_description": "first", "score_config": {"max_score": 10}}
    following = client.post(f"{path}/versions/", json=changes)
    assert (following.status_code, following.json()["version"], following.json()["is_read_only"]) == (
        201,
        1,
        False,
    )
    assert following.json()["score_config"]["max_score"] == 10
    kept = client.get(f"{path}/versions/0/").json()
    assert (kept["is_read_only"], kept["version_description"], kept["score_config"]["max_score"]) == (
        True,
        "first",
        5,
    )
    assert client.patch(f"{path}/versions/0/", json={"description": "x"}).status_code == 403
    assert client.patch(f"{path}/versions/1/", json={"description": "x"}).json()["description"] == "x"
    assert client.patch(f"{path}/", json={"evaluator_slug": "other"}).status_code == 400
    assert [each["version"] for each in client.get(f"{path}/versions/").json()["results"]] == [1, 0]


@pytest.mark.parametrize(
    ("fields", "inputs", "field", "value", "passed"),
    [
        ({"type": "rule", "score_value_type": "boolean", "rule_config": {"rule": "exact"}},
         {"output": "a", "expected_output": "b"}, "boolean_value", False, False),
        ({"type": "rule", "score_value_type": "percentage", "rule_config": {"rule": "similarity"},
          "passing_conditions": {"primary_score": {"operator": "gte", "value": 60}}},
         {"output": "kitten", "expected_output": "kitten"}, "numerical_value", 100.0, True),
        ({"type": "code", "score_value_type": "single_select",
          "score_config": {"choices": [{"name": "long", "value": 1}, {"name": "short", "value": 0}]},
          "code_config": {"eval_code_snippet": CODE}},
         {"output": "brief"}, "categorical_value", ["short"], None),
    ],
    ids=["exact", "similarity", "code"],
)  # fmt: skip
def test_a_trial_answers_in_the_field_of_its_type(
    client: httpx.Client,
    fields: dict[str, Any],
    inputs: dict[str, Any],
    field: str,
    value: Any,
    passed: bool | None,
) -> None:
    slug = create(client, **fields)["evaluator_slug"]
    run = client.post(f"/evaluators/{slug}/run/", json={"inputs": inputs}).json()
    assert (run[field], run["is_passed"], run["error_message"], run["cost"]) == (value, passed, None, 0)


def test_a_trial_that_fails_says_why(client: httpx.Client) -> None:
    rule = create(client, type="rule", score_value_type="boolean", rule_config={"rule": "exact"})
    run = client.post(f"/evaluators/{rule['id']}/run/", json={"inputs": {"output": "a"}}).json()
    assert (run["status"], run["boolean_value"]) == ("error", None)
    assert "no expected_output" in run["error_message"]
    missing = client.post("/evaluators/nope/run/", json={"inputs": {}})
    assert (missing.status_code, "There are " in missing.json()["error"]) == (404, True)


def test_evaluators_are_listed_by_filters_and_removed_whole(client: httpx.Client) -> None:
    made = create(client, type="human", score_value_type="text", description="by hand")
    filters = {"description": "by hand", "type": {"operator": "", "value": ["human"]}}
    found = client.post("/evaluators/list/", json={"filters": filters}).json()
    assert [each["id"] for each in found["results"]] == [made["id"]]
    assert client.delete(f"/evaluators/{made['id']}/").status_code == 204
    assert client.get("/evaluators/summary/").status_code == 200
    assert client.get(f"/evaluators/{made['id']}/").status_code == 404
