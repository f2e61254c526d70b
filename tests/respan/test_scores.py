"""Scores that people give to logs, over the Respan face."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from ingest.build import span, trace_id, traces

GOOD = {"score_config": {"choices": [{"name": "good", "value": 1}, {"name": "bad", "value": 0}]}}


@pytest.fixture
def log_id(service: Service) -> str:
    """A trace of one span."""
    identity = trace_id()
    body = traces(span({"evalspan.span.type": "TASK"}, trace_id=identity)).SerializeToString()
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(f"{service.endpoint}/v1/traces", content=body, headers=headers).raise_for_status()
    return identity.hex()


def evaluator(client: httpx.Client, kind: str, **more: Any) -> str:
    """The slug of a new human evaluator."""
    slug = f"{kind}-{uuid.uuid4().hex[:8]}"
    body = {"name": slug, "evaluator_slug": slug, "type": "human", "score_value_type": kind, **more}
    made = client.post("/evaluators/", json=body)
    assert made.status_code == 201, made.text
    return slug


def rows(client: httpx.Client, trace: str) -> list[dict[str, Any]]:
    """The trace's scores by SQL."""
    url = str(client.base_url).replace("respan/api/", "sql")
    query = "SELECT name FROM evaluations WHERE trace_id = {t:String}"
    answer = httpx.post(url, content=query, params={"param_t": trace, "format": "JSON"}).raise_for_status()
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("kind", "more", "given"),
    [
        ("numerical", {}, {"numerical_value": 3.5}),
        ("percentage", {}, {"numerical_value": 80.0}),
        ("boolean", {}, {"boolean_value": False}),
        ("text", {}, {"string_value": "fine"}),
        ("single_select", GOOD, {"categorical_value": ["good"]}),
        ("multi_select", GOOD, {"categorical_value": ["good", "bad"]}),
        ("json", {}, {"json_value": '{"a": 1}'}),
    ],
)  # fmt: skip
def test_a_score_of_each_kind_is_stored_and_read_back_in_its_field(
    client: httpx.Client, log_id: str, kind: str, more: dict[str, Any], given: dict[str, Any]
) -> None:
    slug = evaluator(client, kind, **more)
    made = client.post(f"/logs/{log_id}/scores/", json={"evaluator_slug": slug, **given})
    assert made.status_code == 201, made.text
    read = client.get(f"/logs/{log_id}/scores/{made.json()['id']}").json()
    (field,) = given
    assert (read[field], read["evaluator_slug"], read["log_id"]) == (given[field], slug, log_id)
    assert [row["name"] for row in rows(client, log_id)] == [slug]


def test_a_scorer_has_one_score_per_evaluator_and_another_scorer_has_another(
    client: httpx.Client, log_id: str
) -> None:
    slug = evaluator(
        client, "numerical", passing_conditions={"primary_score": {"operator": "gte", "value": 3}}
    )
    for scorer, value in (("ann", 1), ("ann", 4), ("bob", 2)):
        body = {"log_id": log_id, "evaluator_id": slug, "scorer": scorer, "numerical_value": value}
        assert client.post("/scores", json=body).status_code == 201
    found = client.post("/scores/list/", json={"filters": {"evaluator_slug": slug}}).json()
    assert {(each["scorer"], each["numerical_value"], each["is_passed"]) for each in found["results"]} == {
        ("ann", 4.0, True),
        ("bob", 2.0, False),
    }
    assert client.get(f"/logs/{log_id}/scores").json()["count"] == 2


def test_a_score_is_changed_and_deleted(client: httpx.Client, log_id: str) -> None:
    slug = evaluator(client, "boolean")
    url = f"/logs/{log_id}/scores/"
    body = {"evaluator_slug": slug, "boolean_value": True, "explanation": "because"}
    identity = client.post(url, json=body).json()["id"]
    patched = client.patch(f"/scores/{identity}/", json={"boolean_value": False}).json()
    assert (patched["id"], patched["boolean_value"], patched["explanation"]) == (identity, False, "because")
    assert client.delete(f"/scores/{identity}/").status_code == 204
    assert client.get(f"/scores/{identity}/").status_code == 404
    assert rows(client, log_id) == []


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"evaluator_slug": "{slug}", "boolean_value": True}, 400, "numerical_value, not in boolean_value"),
        ({"evaluator_slug": "{slug}"}, 400, "not in none"),
        ({"evaluator_slug": "{slug}", "numerical_value": 9}, 400, "a number from 1 to 5"),
        ({"evaluator_slug": "{slug}", "numerical_value": True}, 400, "/numerical_value"),
        ({"evaluator_slug": "absent", "numerical_value": 1}, 404, "'absent'"),
        ({"numerical_value": 1}, 400, "evaluator_slug is needed"),
        ({"evaluator_slug": "{slug}", "numerical_value": 1, "log_id": "0" * 32}, 404, "no log"),
    ],
)  # fmt: skip
def test_a_score_that_does_not_fit_is_refused(
    client: httpx.Client, log_id: str, given: dict[str, Any], status: int, said: str
) -> None:
    slug = evaluator(client, "numerical", score_config={"min_score": 1, "max_score": 5})
    body = {"log_id": log_id, **{key: slug if value == "{slug}" else value for key, value in given.items()}}
    refused = client.post("/scores/", json=body)
    assert (refused.status_code, said in refused.json()["detail"]) == (status, True), refused.text
    assert rows(client, log_id) == []
