"""What every request body meets, on every path: its coding, and room for it."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from evalspan.api.server import Service
from evalspan.settings import Settings

API = "/api/v2/llm-obs/v1"
PENDING, LIMIT = 200_000, 1_000_000
JSON = {"content-type": "application/json"}
NOT_JSON = b"\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00\x99\xe9\xd8\x51"  # what zstd makes of nothing


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With little room for what waits."""
    store = f"chdb://{tmp_path_factory.mktemp('bodies') / 'store'}"
    settings = Settings(
        store=store, http_port=0, grpc_port=-1, max_pending_bytes=PENDING, max_body_bytes=LIMIT
    )
    with Service(settings) as running:
        yield running


def served(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path, with something in the place of each parameter."""
    for route in routes:
        if isinstance(route, Mount):
            yield from served(route.routes, prefix + route.path)
        elif isinstance(route, Route):
            path = re.sub(r"{[^}]*}", "x", prefix + route.path)
            yield from ((method, path) for method in route.methods or {"POST"} if method != "HEAD")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br"])
def test_no_path_takes_a_coding_that_it_does_not_know(
    coding: str, service: Service, client: httpx.Client
) -> None:
    app = service._app  # pyright: ignore[reportPrivateUsage] (its routes are not all in /openapi.json)
    assert app is not None
    paths = set(served(app.routes))
    assert {("POST", "/v1/traces"), ("POST", "/sql"), ("POST", f"{API}/projects")} <= paths
    for method, path in paths:
        answer = client.request(method, path, content=NOT_JSON, headers={"content-encoding": coding})
        assert answer.status_code == 415, (method, path, answer.text)
        assert f"Content-Encoding '{coding}'" in answer.content.decode("utf-8", "replace")
        assert answer.headers["accept-encoding"] == "gzip, deflate, identity"


def test_gzip_is_read_wherever_json_and_sql_are(client: httpx.Client) -> None:
    packed = {"content-encoding": "gzip"}
    body = gzip.compress(json.dumps({"data": {"attributes": {"name": "packed"}}}).encode())
    assert client.post(f"{API}/projects", content=body, headers=packed).status_code == 200
    query = gzip.compress(b"SELECT name FROM projects WHERE name = 'packed'")
    assert client.post("/sql", content=query, headers=packed).json() == {"name": "packed"}
    assert client.post("/sql", content=b"SELECT 1", headers=packed).status_code == 400


def begun(service: Service, size: int) -> socket.socket:
    """A request for a project whose body lacks its last byte."""
    host, port = service.endpoint.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    head = f"POST {API}/projects HTTP/1.1\r\nhost: {host}\r\ncontent-length: {size}\r\n\r\n"
    body = b'{"data": {"attributes": {"name": "slow"}}}'.rjust(size)
    connection.sendall(head.encode() + body[:-1])
    return connection


def wait_until(client: httpx.Client, meets: Callable[[int], bool]) -> None:
    """Until the bytes that `/readyz` says wait meet a condition."""
    deadline = time.monotonic() + 60
    while not meets(client.get("/readyz").json()["ingest"]["pending_bytes"]):
        assert time.monotonic() < deadline


def test_a_body_of_any_face_counts_as_waiting_until_its_request_is_answered(
    service: Service, client: httpx.Client
) -> None:
    with begun(service, 150_000) as connection:
        wait_until(client, lambda size: size >= 149_000)
        refused = client.post("/v1/traces", content=b" " * 60_000, headers=JSON)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        # A little that becomes much has no room either, before all of it is there.
        packed = gzip.compress(b" " * 60_000_000)
        headers = {"content-encoding": "gzip"}
        for path in ("/v1/traces", f"{API}/projects", "/sql"):
            answer = client.post(
                path, content=packed[:-8], headers={**headers, "content-type": "application/json"}
            )
            assert answer.status_code == 503, (path, answer.text)
        connection.sendall(b"}")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    wait_until(client, lambda size: size == 0)
    assert client.post("/v1/traces", content=b"{}", headers=JSON).status_code == 200


@pytest.mark.parametrize("path", ["/v1/traces", "/sql", f"{API}/projects", "/api/v2/llmobs"])
def test_a_body_over_the_limit_is_refused_on_every_face(path: str, client: httpx.Client) -> None:
    half = b" " * (LIMIT // 2 + 1)
    for content in (half + half, iter([half, half])):
        answer = client.post(path, content=content, headers=JSON)
        assert answer.status_code == 413, answer.text
        assert "EVALSPAN_MAX_BODY_BYTES" in answer.text
