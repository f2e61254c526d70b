"""The Experiments API over HTTP, as far as the main job uses it."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

V2 = "/api/v2/llm-obs/v1"
UNSTABLE = "/api/unstable/llm-obs/v1"
Json = Any


def post(client: httpx.Client, path: str, kind: str, **attributes: Json) -> Json:
    response = client.post(path, json={"data": {"type": kind, "attributes": attributes}})
    assert response.status_code == 200, response.text
    return response.json()["data"]


@pytest.fixture
def project_id(client: httpx.Client) -> str:
    return post(client, f"{V2}/projects", "projects", name="p")["id"]


@pytest.fixture
def dataset_id(client: httpx.Client, project_id: str) -> str:
    return post(client, f"{V2}/{project_id}/datasets", "datasets", name="d")["id"]


def test_creating_a_project_twice_gives_the_first_one_under_both_prefixes(client: httpx.Client) -> None:
    first = post(client, f"{V2}/projects", "projects", name="p", description="first")
    again = post(client, f"{UNSTABLE}/projects", "projects", name="p", description="second")
    assert again["id"] == first["id"]
    assert again["attributes"]["description"] == "first"


def test_a_dataset_grows_by_versions_and_old_ones_stay_readable(
    client: httpx.Client, project_id: str, dataset_id: str
) -> None:
    path = f"{V2}/{project_id}/datasets/{dataset_id}"
    records = [{"id": f"r{n}", "input": {"q": n}, "tags": ["parity:odd"] if n % 2 else []} for n in range(4)]
    changed = post(client, f"{path}/batch_update", "datasets", insert_records=records)
    assert [(item["id"], item["attributes"]["version"]) for item in changed] == [
        (f"r{n}", 1) for n in range(4)
    ]
    post(client, f"{path}/batch_update", "datasets", insert_records=[], delete_records=["r0", "r1"])

    def listed(**query: str) -> list[str]:
        params = {key.replace("_", "[") + "]": value for key, value in query.items()}
        return [item["id"] for item in client.get(f"{path}/records", params=params).json()["data"]]

    assert listed() == ["r2", "r3"]
    assert listed(filter_version="1") == ["r0", "r1", "r2", "r3"]
    assert listed(filter_version="1", filter_tags="parity:odd") == ["r1", "r3"]


def test_an_experiment_is_created_found_and_ended(
    client: httpx.Client, project_id: str, dataset_id: str
) -> None:
    made = post(
        client, f"{V2}/experiments", "experiments",
        project_id=project_id, dataset_id=dataset_id, name="e", run_count=5, config={"model": "m"},
    )  # fmt: skip
    patch = {"data": {"type": "experiments", "attributes": {"status": "completed"}}}
    assert client.patch(f"{V2}/experiments/{made['id']}", json=patch).status_code == 200
    [found] = client.get(f"{V2}/experiments", params={"filter[id]": made["id"]}).json()["data"]
    assert found["attributes"]["status"] == "completed"
    assert found["attributes"]["run_count"] == 5
    assert found["attributes"]["name"] == found["attributes"]["experiment"] == "e"


WRONG: list[tuple[str, str, Json, int, str]] = [
    ("POST", "/projects", {"data": {"attributes": {}}}, 400, "/data/attributes/name"),
    ("POST", "/projects", {"data": {"attributes": {"name": ""}}}, 400, "/data/attributes/name"),
    ("POST", "/projects", {"data": {"attributes": {"name": 7}}}, 400, "/data/attributes/name"),
    ("POST", "/projects", [], 400, "/"),
    ("POST", "/experiments", {"data": {"attributes": {"project_id": "x", "name": "e"}}}, 404,
     "/data/attributes/project_id"),
    ("PATCH", "/experiments/x", {"data": {"attributes": {"status": "done"}}}, 400, "/data/attributes/status"),
    ("PATCH", "/experiments/x", {"data": {"attributes": {"status": "failed"}}}, 404, ""),
    ("GET", "/experiments?page[limit]=0", None, 400, ""),
    ("GET", "/experiments?page[limit]=many", None, 400, ""),
    ("GET", "/experiments?page[cursor]=bogus", None, 400, ""),
    ("GET", "/x/datasets/nowhere/records", None, 404, ""),
    ("POST", "/x/datasets/nowhere/batch_update", {"data": {"attributes": {"insert_records": [{}]}}}, 400,
     "/data/attributes/insert_records/0/input"),
    ("GET", "/nothing/here/at/all", None, 404, ""),
    ("DELETE", "/projects", None, 405, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "pointer"), WRONG, ids=lambda value: str(value)[:40]
)
def test_every_refusal_has_one_shape_and_points_at_the_field(
    client: httpx.Client, method: str, path: str, body: Json, status: int, pointer: str
) -> None:
    response = client.request(method, V2 + path, json=body)
    assert response.status_code == status, response.text
    [error, *_] = response.json()["errors"]
    assert error["status"] == str(status)
    assert error["title"]
    assert error["detail"]
    assert error.get("source", {}).get("pointer", "") == pointer


def test_what_could_not_be_listed_again_is_refused_and_lists_go_on(client: httpx.Client) -> None:
    deep: Json = {}
    for _ in range(480):
        deep = {"a": deep}
    project_id = post(client, f"{V2}/projects", "projects", name="p")["id"]
    body = {"data": {"attributes": {"name": "d", "metadata": deep}}}
    assert client.post(f"{V2}/{project_id}/datasets", json=body).status_code == 400
    assert client.get(f"{V2}/{project_id}/datasets").json()["data"] == []
    cursor = base64.urlsafe_b64encode(b'["2026-01-01T00:00:00", "\\ud800"]').decode().rstrip("=")
    assert client.get(f"{V2}/projects", params={"page[cursor]": cursor}).status_code == 400


def test_a_body_that_is_not_json_is_refused(client: httpx.Client) -> None:
    response = client.post(f"{V2}/projects", content=b"{not json")
    assert response.status_code == 400
    assert "not JSON" in response.json()["errors"][0]["detail"]
