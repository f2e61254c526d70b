"""Who may do what over the Respan face, in which shape it is refused, and whose things a key sees."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalspan.api import rights
from evalspan.api.respan import OPERATIONS
from evalspan.api.server import Service
from evalspan.keyfile import KeyFile
from evalspan.settings import Settings

Connect = Callable[..., httpx.Client]
PATHS = sorted({(method, item.path) for item in OPERATIONS for method in item.methods.split()})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("rights")
    KeyFile(folder / "keys.json", create=True).add(["admin"], now=datetime.now(UTC))
    settings = Settings(
        store=f"chdb://{folder / 'store'}", http_port=0, grpc_port=-1, keys_file=str(folder / "keys.json")
    )
    with Service(settings) as running:
        yield running


@pytest.fixture(scope="module")
def connect(service: Service) -> Iterator[Connect]:
    """A client with a key of some roles and, if wanted, of one project."""
    opened: list[httpx.Client] = []

    def client(*roles: Any, project: str = "") -> httpx.Client:
        file = KeyFile(Path(service.settings.keys_file))
        key, _ = file.add(list(roles), now=datetime.now(UTC), project=project)
        headers = {"authorization": f"Bearer {key}"}
        opened.append(httpx.Client(base_url=f"{service.endpoint}/respan", timeout=60, headers=headers))
        while opened[-1].get("/api/nothing/").status_code == 401:  # until the file was read again
            time.sleep(0.05)
        return opened[-1]

    yield client
    for each in opened:
        each.close()


def test_every_operation_is_for_the_roles_that_it_needs_and_refuses_in_its_clients_shape(
    connect: Connect,
) -> None:
    clients = {role: connect(role) for role in ("ingest", "read")}
    for method, path in PATHS:
        nowhere = re.sub(r"{\w+}", "0", path)
        needed = rights.needed(method, f"/respan{path}")
        for role, client in clients.items():
            if role in needed:
                continue  # what it may do is tried by every other test here
            refused = client.request(method, nowhere)
            assert refused.status_code == 403, (method, path, role)
            assert refused.json()["detail"] == refused.json()["error"]
            assert "the request needs" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("POST", "/api/v2/experiments/", {"ingest"}),
        ("POST", "/api/v2/experiments/list/", {"read"}),
        ("POST", "/api/v2/experiments/list", {"read"}),
        ("POST", "/api/v2/experiments/e/histogram/", {"read"}),
        ("GET", "/api/v2/experiments/e/logs/l/", {"read"}),
        ("PATCH", "/api/v2/experiments/e/logs/l/", {"ingest"}),
        ("DELETE", "/api/v2/experiments/e/", set[str]()),
        ("POST", "/api/datasets/d/logs/list/", {"ingest", "read"}),
        ("GET", "/api/datasets/d/", {"ingest", "read"}),
        ("PATCH", "/api/datasets/d/logs/list/", {"ingest"}),
        ("DELETE", "/api/datasets/d/logs/import/", set[str]()),
        ("POST", "/api/prompts/list/", {"read"}),
        ("POST", "/api/scores/", {"ingest"}),
        ("DELETE", "/api/scores/s/", set[str]()),
    ],
)
def test_lists_need_read_changes_ingest_and_deletions_admin(method: str, path: str, roles: set[str]) -> None:
    assert {str(role) for role in rights.needed(method, f"/respan{path}")} - {"admin"} == roles


def test_refusals_before_any_operation_have_the_same_shape(service: Service, connect: Connect) -> None:
    admin = connect("admin")
    found = {
        401: httpx.get(f"{service.endpoint}/respan/api/datasets/"),
        404: admin.get("/api/nothing/here/"),
        405: admin.put("/api/datasets/"),
        400: admin.post("/api/datasets/", content="{"),
    }
    for status, answer in found.items():
        assert answer.status_code == status
        assert answer.json()["error"] == answer.json()["detail"] != ""
    assert admin.post("/api/datasets/", json=["a list"]).status_code == 400


def test_a_key_of_a_project_sees_and_changes_nothing_of_another(connect: Connect) -> None:
    roles = ("ingest", "read", "admin")
    ours, theirs = (connect(*roles, project=name) for name in ("ours", "theirs"))
    made = {client: everything(client) for client in (ours, theirs)}
    for client, other in ((ours, theirs), (theirs, ours)):
        for path in made[other]:
            assert client.get(path).status_code == 404, path
            assert client.delete(path).status_code == 404, path
        for path in (
            "/api/datasets/list/",
            "/api/v2/experiments/list/",
            "/api/prompts/list/",
            "/api/evaluators/list/",
        ):
            found = client.post(path, json={}).json()
            assert found["count"] == 1, (path, found)
    log = logs(theirs, made[theirs])[0]
    stolen = f"{made[theirs][1]}logs/{log['id']}/"
    assert ours.patch(stolen, json={"output": "x"}).status_code == 404
    assert ours.post("/api/scores/", json={"log_id": log["id"], "evaluator_id": "e"}).status_code == 404
    dataset = made[theirs][0].split("/")[3]
    body: dict[str, Any] = {"dataset_id": dataset, "workflow": [{"type": "wait", "config": {}}]}
    assert ours.post("/api/v2/experiments/", json=body).status_code == 404
    assert logs(theirs, made[theirs])[0]["status"] == "pending"


def everything(client: httpx.Client) -> list[str]:
    """A dataset, an experiment, a prompt and an evaluator: their paths."""
    made = client.post("/api/datasets/", json={"name": "d"})
    assert made.status_code == 201, made.text
    dataset = made.json()["id"]
    client.post(f"/api/datasets/{dataset}/logs/", json={"input": "q"}).raise_for_status()
    body: dict[str, Any] = {"dataset_id": dataset, "workflow": [{"type": "wait", "config": {}}]}
    experiment = client.post("/api/v2/experiments/", json=body).json()["id"]
    prompt = client.post("/api/prompts/", json={"name": "p"}).json()["id"]
    slug = uuid.uuid4().hex
    judge = {"name": "e", "evaluator_slug": slug, "type": "human", "score_value_type": "boolean"}
    evaluator = client.post("/api/evaluators/", json=judge).json()["id"]
    return [
        f"/api/datasets/{dataset}/",
        f"/api/v2/experiments/{experiment}/",
        f"/api/prompts/{prompt}/",
        f"/api/evaluators/{evaluator}/",
    ]


def logs(client: httpx.Client, paths: list[str]) -> list[dict[str, Any]]:
    return client.get(f"{paths[1]}logs/list/").raise_for_status().json()["results"]
