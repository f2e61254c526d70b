"""Who may do what, over HTTP and gRPC alike."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import httpx
import pytest

from evalspan.api import rights
from evalspan.api.server import Service
from evalspan.errors import UsageError
from evalspan.keyfile import FRESH, KeyFile, RoleName
from evalspan.settings import Settings
from ingest.build import span, traces

NOW = datetime.now(UTC)
API = "/api/v2/llm-obs/v1"
Call = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> KeyFile:
    return KeyFile(tmp_path_factory.mktemp("keys") / "keys.json", create=True)


@pytest.fixture(scope="module")
def keys(key_file: KeyFile) -> dict[RoleName, str]:
    roles: tuple[RoleName, ...] = ("ingest", "read", "admin")
    return {role: key_file.add([role], now=NOW)[0] for role in roles}


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, key_file: KeyFile, keys: dict[RoleName, str]
) -> Iterator[Service]:
    del keys  # a service refuses a keys file that is not there
    settings = Settings(
        store=f"chdb://{tmp_path_factory.mktemp('guarded')}", http_port=0, grpc_port=0,
        api_keys="plain", keys_file=str(key_file.path),
        query_concurrency=2, query_concurrency_per_key=1,
    )  # fmt: skip
    with Service(settings) as running:
        yield running


@pytest.fixture
def call(guarded: Service) -> Iterator[Call]:
    with httpx.Client(base_url=guarded.endpoint, timeout=30) as client:

        def request(key: str, method: str, path: str, **options: object) -> httpx.Response:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return client.request(method, path, headers=headers, **options)  # pyright: ignore[reportArgumentType] (httpx's own)

        yield request


def told(call: Call, key: str, method: str, path: str) -> int:
    """The status of a request that is otherwise nonsense."""
    return call(key, method, path).status_code


def test_each_role_may_do_what_it_is_for_and_admin_everything(
    call: Call, keys: dict[RoleName, str], guarded: Service
) -> None:
    document = call("plain", "GET", "/openapi.json").json()
    operations = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, item in document["paths"].items()
        for method in item
        if path not in rights.OPEN and path != "/"
    ]
    assert len(operations) > 30
    for (method, path), role in itertools.product(operations, ("ingest", "read", "admin")):
        status = told(call, keys[role], method, path)
        wanted = role == "admin" or role in rights.needed(method, path)
        assert (status != 403) == wanted, (method, path, role, status)
        assert status not in {401, 500}, (method, path, role)


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        ("ingest", "POST", "/v1/traces", True),
        ("ingest", "POST", "/api/v2/llmobs", True),
        ("ingest", "POST", f"{API}/projects", True),
        ("ingest", "POST", f"/evp_proxy/v2{API}/experiments", True),
        ("ingest", "GET", f"{API}/p/datasets", True),
        ("ingest", "GET", f"{API}/p/datasets/d/records", True),
        ("ingest", "GET", f"{API}/experiments", False),
        ("ingest", "GET", "/experiments/datasets", False),
        ("ingest", "POST", "/sql", False),
        ("ingest", "GET", "/metrics", False),
        ("ingest", "POST", f"{API}/experiments/delete", False),
        ("ingest", "POST", f"/evp_proxy/v2{API}/datasets/d/records/delete", False),
        ("ingest", "PATCH", f"{API}/projects/p", False),
        ("read", "POST", "/sql", True),
        ("read", "GET", f"{API}/experiments", True),
        ("read", "POST", f"{API}/projects", False),
        ("read", "POST", "/v1/logs", False),
        ("admin", "POST", f"{API}/experiments/delete", True),
        ("admin", "PATCH", f"{API}/projects/p", True),
    ],
)
def test_what_each_role_is_for(
    call: Call, keys: dict[RoleName, str], role: RoleName, method: str, path: str, allowed: bool
) -> None:
    assert (told(call, keys[role], method, path) != 403) is allowed


def test_a_path_that_only_looks_like_another_passes_no_door(call: Call, keys: dict[RoleName, str]) -> None:
    for path in (f"{API}/experiments/delete%0A", f"{API}/experiments/delete%00"):
        assert told(call, keys["ingest"], "POST", path) == 400
    for path in (f"{API}//experiments/delete", f"{API}/experiments/delete/", f"{API}/experiments%2Fdelete"):
        assert told(call, keys["ingest"], "POST", path) in {403, 404, 307}
    assert told(call, keys["read"], "DELETE", f"{API}/experiments") == 403


def test_no_key_and_a_wrong_key_are_unauthenticated_and_the_wrong_role_is_forbidden(
    call: Call, keys: dict[RoleName, str]
) -> None:
    for key in ("", "wrong", keys["read"] + "x", keys["read"][:-1]):
        refused = call(key, "POST", "/sql", content="SELECT 1")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    forbidden = call(keys["ingest"], "POST", "/sql", content="SELECT 1")
    assert forbidden.status_code == 403
    assert "the request needs admin or read" in forbidden.json()["errors"][0]["detail"]


def test_grpc_asks_for_the_same_keys(guarded: Service, keys: dict[RoleName, str]) -> None:
    body = traces(span()).SerializeToString()
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

    def code(key: str) -> grpc.StatusCode:
        with grpc.insecure_channel(guarded.grpc_endpoint) as channel:
            try:
                send: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
                send(body, timeout=10, metadata=(("authorization", f"Bearer {key}"),) if key else ())
            except grpc.RpcError as error:
                return error.code()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] (the stub knows no code)
        return grpc.StatusCode.OK

    assert code("") is code("wrong") is grpc.StatusCode.UNAUTHENTICATED
    assert code(keys["read"]) is grpc.StatusCode.PERMISSION_DENIED
    assert code(keys["ingest"]) is code(keys["admin"]) is code("plain") is grpc.StatusCode.OK


def test_keys_come_and_go_while_the_service_runs_and_two_may_be_valid_at_once(
    call: Call, key_file: KeyFile
) -> None:
    first, entry = key_file.add(["read"], now=NOW, name="reports")
    second, _ = key_file.add(["read"], now=NOW)
    assert became(lambda: {told(call, key, "GET", f"{API}/projects") for key in (first, second)}, {200})
    assert key_file.remove("reports").id == entry.id
    assert became(lambda: {told(call, first, "GET", f"{API}/projects")}, {401})
    assert told(call, second, "GET", f"{API}/projects") == 200


def test_a_key_ends_when_its_time_is_over(call: Call, key_file: KeyFile) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=FRESH + 1)
    key, _ = key_file.add(["read"], now=NOW, expires_at=soon)
    assert became(lambda: {told(call, key, "GET", f"{API}/projects")}, {200})
    assert became(lambda: {told(call, key, "GET", f"{API}/projects")}, {401}, within=FRESH + 3)


def test_a_keys_file_that_breaks_leaves_the_known_keys_valid(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json", create=True)
    key, _ = file.add(["read"], now=NOW)
    reading = KeyFile(tmp_path / "keys.json")
    (tmp_path / "keys.json").write_text("{ not json")
    time.sleep(FRESH)
    assert [entry.sha256 for entry in reading.entries()] != []
    assert key not in (tmp_path / "keys.json").read_text()


def test_the_file_holds_no_key_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, entry = KeyFile(path, create=True).add(["ingest"], now=NOW, project="p")
    assert key.removeprefix("evs_") not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert key not in repr(entry)
    assert entry.sha256 not in repr(entry)


@pytest.mark.parametrize("text", ["", "[]", '{"keys": [{"id": "x"}]}', '{"keys": [], "more": 1}'])
def test_a_service_does_not_start_with_a_keys_file_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    for settings in (Settings(keys_file=str(path)), Settings(keys_file=str(tmp_path))):
        with pytest.raises(UsageError, match="keys file"):
            Service(settings)
    path.write_text(text)
    with pytest.raises(UsageError, match="keys file"):
        Service(Settings(keys_file=str(path)))


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "example.test", "::ffff:192.0.2.1", ""]
)
def test_beyond_loopback_a_service_wants_keys_or_a_word(tmp_path: Path, key_file: KeyFile, host: str) -> None:
    open_door = Settings(store=f"chdb://{tmp_path / 's'}", host=host)
    with pytest.raises(UsageError, match="without API keys"):
        Service(open_door)
    path = str(key_file.path)
    for update in ({"allow_open": True}, {"api_keys": "k"}, {"keys_file": path}):
        Service(open_door.model_copy(update=update))
    with pytest.raises(UsageError, match="without API keys"):
        Service(open_door.model_copy(update={"api_keys": " , "}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_loopback_a_service_needs_no_keys(tmp_path: Path, host: str) -> None:
    Service(Settings(store=f"chdb://{tmp_path / 's'}", host=host))


def test_more_readers_than_may_read_at_once_are_asked_to_come_again(
    guarded: Service, keys: dict[RoleName, str]
) -> None:
    endless = "SELECT number FROM numbers(1000000000)"
    with httpx.Client(base_url=guarded.endpoint, timeout=30) as client:

        def ask(key: str) -> httpx.Response:
            request = client.build_request(
                "POST", "/sql", content=endless, headers={"authorization": f"Bearer {key}"}
            )
            return client.send(request, stream=True)

        first = ask(keys["read"])
        again, other = ask(keys["read"]), ask(keys["admin"])
        third = ask("plain")
        assert [each.status_code for each in (first, again, other, third)] == [200, 429, 200, 429]
        assert again.headers["retry-after"] == "1"
        assert "EVALSPAN_QUERY_CONCURRENCY_PER_KEY" in again.read().decode()
        assert "EVALSPAN_QUERY_CONCURRENCY)" in third.read().decode()
        for response in (first, other):
            response.close()
        url = {"headers": {"authorization": f"Bearer {keys['read']}"}, "content": "SELECT 1"}
        assert became(lambda: {client.post("/sql", **url).status_code}, {200})  # pyright: ignore[reportArgumentType] (httpx's own)


def became(look: Callable[[], object], wanted: object, within: float = FRESH + 2) -> bool:
    """Whether what is seen becomes what is wanted in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if look() == wanted:
            return True
        time.sleep(0.05)
    return look() == wanted
