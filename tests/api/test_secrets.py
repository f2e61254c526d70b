"""Keys and passwords stay out of what is printed, logged, answered and measured."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from evalspan.errors import EvalspanError
from evalspan.keyfile import KeyFile
from evalspan.settings import Settings
from evalspan.store import Store
from evalspan.store.dsn import parse
from support.clickhouse_server import ClickHouseServer
from support.command import Evalspan, environment

KEY = "marked-api-key-7f3a"
PASSWORD = "marked-password-9c1e"
MARKS = (KEY, PASSWORD)


def clean(text: str) -> None:
    assert not [mark for mark in MARKS if mark in text]


@pytest.fixture
def logged(tmp_path: Path, clickhouse_server: ClickHouseServer) -> Iterator[tuple[str, Path]]:
    """(endpoint, log) of `evalspan serve` on a ClickHouse server, with a key."""
    log = tmp_path / "log"
    store = clickhouse_server.address("secrets")
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "evalspan", "serve", "--http-port", "0", "--grpc-port", "0"],
            cwd=tmp_path, stderr=subprocess.STDOUT, stdout=file,
            env=environment(EVALSPAN_API_KEYS=KEY, EVALSPAN_STORE=store),
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while "answers at" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield log.read_text().split("answers at ")[1].split()[0], log
    process.kill()
    process.wait()


def test_no_face_of_a_running_service_tells_its_key(logged: tuple[str, Path]) -> None:
    endpoint, log = logged
    seen: list[str] = []
    with httpx.Client(base_url=endpoint, headers={"authorization": f"Bearer {KEY}"}, timeout=30) as client:
        paths = list(client.get("/openapi.json").json()["paths"])
        bodies = (b"", b"{", b"SELECT nope", b'{"data": {"attributes": {"name": 1}}}')
        for method, path, content in itertools.product(("GET", "POST"), [*paths, "/nowhere"], bodies):
            answer = client.request(method, path, content=content)
            seen.append(f"{answer.headers} {answer.text}")
        for header in ("x-api-key", "dd-api-key"):
            seen.append(httpx.post(f"{endpoint}/sql", headers={header: KEY + "x"}).text)
        for query in ("SELECT getClientHTTPHeader('authorization')", "SHOW PROCESSLIST"):
            seen.append(client.post("/sql", content=query).text)
    assert len(seen) > 200
    for text in [*seen, log.read_text()]:
        clean(text)


def test_settings_stores_and_key_files_are_shown_without_their_secrets(tmp_path: Path) -> None:
    address = f"http://user:{PASSWORD}@127.0.0.1:1/db"
    settings = Settings(store=address, store_reader=address, api_keys=KEY, api_key=KEY)
    key, entry = KeyFile(tmp_path / "keys.json", create=True).add(["read"], now=datetime.now(UTC))
    for shown in (settings, parse(address), entry):
        clean(f"{shown!r} {shown}")
        assert key not in f"{shown!r} {shown}"


@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{PASSWORD}@127.0.0.1:1/db",
        f"https://user:{PASSWORD}@127.0.0.1:1/db",
        f"http://user:{PASSWORD}@:x/db",
        f"ftp://user:{PASSWORD}@host/db",
        f"http://user:a/b:{PASSWORD}@host:8123/db",
        f"http://user:{PASSWORD}@host:8123/db?x=1",
        f"http://user:{PASSWORD}@host:8123/no.name",
    ],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(
    evalspan: Evalspan, address: str
) -> None:
    with pytest.raises(EvalspanError) as refusal:
        Store(address)
    clean(str(refusal.value))
    clean(f"{refusal.value.__cause__!r} {refusal.value.__context__!r}")


def test_commands_that_fail_print_no_secret(evalspan: Evalspan, tmp_path: Path) -> None:
    store = f"http://user:{PASSWORD}@127.0.0.1:1/db"
    secrets = {"EVALSPAN_STORE": store, "EVALSPAN_API_KEY": KEY, "EVALSPAN_API_KEYS": KEY}
    for arguments in (
        ("serve", "--http-port", "0"),
        ("serve", "--http-port", "0", "--api-keys", KEY, "--query-timeout", "soon"),
        ("query", "SELECT 1"),
        ("search", "experiment", "query"),
        ("serve", "--help"),
    ):
        found = evalspan(*arguments, **secrets)
        clean(found.stdout + found.stderr)
    clean(evalspan("query", "SELECT 1", EVALSPAN_ENDPOINT="http://127.0.0.1:1", **secrets).stderr)
