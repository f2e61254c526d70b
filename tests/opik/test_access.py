"""Who may do what on Opik's face, what a key of one project sees, and how it says no."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from evalspan.api import opik as face
from evalspan.api import rights
from evalspan.api.operation import Operation
from evalspan.api.server import Service
from evalspan.keyfile import KeyFile, RoleName
from evalspan.settings import Settings
from support.opik_client import BASE

V1 = "/v1/private"
NOW = datetime.now(UTC)
ROLES: tuple[RoleName, ...] = ("ingest", "read", "admin")
Call = Callable[..., httpx.Response]
OPERATIONS = [each for each in face.OPERATIONS if BASE + each.path not in rights.OPEN]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Keys by role, and one for each of two projects; the file is the one that `guarded` reads."""
    file = KeyFile(tmp_path_factory.mktemp("keys") / "keys.json", create=True)
    found = {str(role): file.add([role], now=NOW)[0] for role in ROLES}
    for project in ("mine", "theirs"):
        found[project] = file.add(["ingest", "read"], now=NOW, project=project)[0]
    return {**found, "file": str(file.path)}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("guarded") / "store"
    settings = Settings(store=f"chdb://{store}", http_port=0, grpc_port=-1, keys_file=keys["file"])
    with Service(settings) as running:
        yield running


@pytest.fixture
def call(guarded: Service, keys: dict[str, str]) -> Iterator[Call]:
    """A request with a key, which goes into the header as Opik's client writes it: without a scheme."""
    with httpx.Client(base_url=guarded.endpoint + BASE, timeout=60) as client:

        def request(key: str, method: str, path: str, **options: Any) -> httpx.Response:
            headers = {"authorization": keys.get(key, key), "comet-workspace": "default"} if key else {}
            return client.request(method, path, headers=headers, **options)

        yield request


def filled(operation: Operation) -> str:
    return re.sub(r"{[^}]+}", lambda _: str(uuid.uuid4()), operation.path)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_its_operations_state(call: Call, role: RoleName) -> None:
    assert len(OPERATIONS) > 40
    for each in OPERATIONS:
        path = filled(each)
        status = call(role, each.method, path, content=b"{").status_code
        allowed = role == "admin" or role in rights.needed(each.method, BASE + path)
        assert (status != 403) == allowed, (each.method, path, status)
        assert status not in {401, 405, 500}, (each.method, path, status)


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        ("ingest", "POST", f"{V1}/experiments", True),
        ("ingest", "POST", f"{V1}/datasets/items/stream", True),
        ("ingest", "GET", f"{V1}/datasets/d/versions", True),
        ("ingest", "POST", f"{V1}/prompts/versions/retrieve", True),
        ("ingest", "GET", f"{V1}/experiments/e", False),
        ("ingest", "POST", f"{V1}/experiments/stream", False),
        ("ingest", "GET", f"{V1}/datasets/d/items/experiments/items", False),
        ("ingest", "POST", f"{V1}/datasets/delete-batch", False),
        ("ingest", "PATCH", f"{V1}/projects/p", False),
        ("read", "POST", f"{V1}/experiments/stream", True),
        ("read", "POST", f"{V1}/datasets/retrieve", True),
        ("read", "POST", f"{V1}/datasets", False),
        ("read", "PUT", f"{V1}/datasets/items", False),
        ("admin", "DELETE", f"{V1}/prompts/p", True),
    ],
)
def test_what_each_role_is_for(call: Call, role: RoleName, method: str, path: str, allowed: bool) -> None:
    assert (call(role, method, path, json={}).status_code != 403) is allowed


def test_without_a_valid_key_only_the_ping_answers(call: Call) -> None:
    for key in ("", "wrong"):
        assert call(key, "GET", "/is-alive/ping").status_code == 200
        refused = call(key, "GET", f"{V1}/projects")
        assert refused.status_code == 401
        assert refused.json()["code"] == 401


def test_whatever_is_wrong_is_said_in_one_shape(call: Call) -> None:
    # OTLP's exporters read google.rpc.Status.
    own = [each for each in OPERATIONS if "/otel/" not in each.path]
    for each, body in itertools.product(own, (b"{", b"[]", b'{"ids": 5}', b"\xff")):
        answer = call("admin", each.method, filled(each), content=body)
        if answer.status_code >= 400:
            assert answer.status_code in {400, 404, 415}, (each.path, body, answer.text)
            document = answer.json()
            assert document["code"] == answer.status_code, each.path
            assert document["message"] == " ".join(document["errors"]), each.path


def test_a_key_of_a_project_makes_and_sees_that_project_alone(call: Call) -> None:
    for name in ("mine", "theirs"):
        for path, body in (
            ("datasets", {"name": "d"}),
            ("prompts", {"name": "p", "template": "t"}),
            ("experiments", {"dataset_name": "d", "name": "e", "id": str(uuid.uuid4())}),
        ):
            made = call(name, "POST", f"{V1}/{path}", json={**body, "project_name": name})
            assert made.status_code == 201, made.text
        item = {"id": str(uuid.uuid4()), "data": {"whose": name}, "source": "sdk"}
        body = {"dataset_name": "d", "items": [item], "batch_group_id": "b"}
        assert call(name, "PUT", f"{V1}/datasets/items", json=body).status_code == 204
    for path in ("projects", "datasets", "prompts", "experiments"):
        assert call("mine", "GET", f"{V1}/{path}").json()["total"] == 1, path
        assert call("admin", "GET", f"{V1}/{path}").json()["total"] > 1, path
    [line] = call("mine", "POST", f"{V1}/datasets/items/stream", json={"dataset_name": "d"}).text.splitlines()
    assert '"whose": "mine"' in line
    theirs = call("theirs", "GET", f"{V1}/experiments").json()["content"][0]
    seen = call("mine", "GET", f"{V1}/experiments/{theirs['id']}")
    changed = call("mine", "PATCH", f"{V1}/experiments/{theirs['id']}", json={"name": "taken"})
    commented = call("mine", "POST", f"{V1}/experiments/{theirs['id']}/comments", json={"text": "x"})
    dataset = call("mine", "GET", f"{V1}/datasets/{theirs['dataset_id']}/items")
    assert [each.status_code for each in (seen, changed, commented, dataset)] == [404] * 4


def test_a_key_of_a_project_is_refused_the_name_of_another(call: Call) -> None:
    for path, body in (
        ("projects", {"name": "theirs"}),
        ("datasets", {"name": "x", "project_name": "theirs"}),
        ("experiments", {"dataset_name": "x", "project_name": "theirs"}),
        ("prompts/versions", {"name": "x", "version": {"template": "t"}, "project_name": "theirs"}),
    ):
        assert call("mine", "POST", f"{V1}/{path}", json=body).status_code == 403, path
    own = call("mine", "POST", f"{V1}/datasets", json={"name": "without a project"})
    assert own.status_code == 201
    found = call("mine", "POST", f"{V1}/datasets/retrieve", json={"dataset_name": "without a project"}).json()
    assert call("admin", "GET", f"{V1}/projects/{found['project_id']}").json()["name"] == "mine"
