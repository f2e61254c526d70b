"""An unmodified gentrace-py against a running service. Without a package index these tests are skipped,
except in CI."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from support.absent import absent
from support.gentrace_client import NEWEST, Run, Sql, finish, interpreter, start

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for the tests of a module: each has experiments of its own."""
    store = tmp_path_factory.mktemp("gentrace") / "store"
    with Service(Settings(store=f"chdb://{store}", http_port=0, grpc_port=-1)) as running:
        yield running


@pytest.fixture(scope="session")
def client_installed() -> None:
    try:
        interpreter()
    except subprocess.CalledProcessError as error:
        absent(f"pip cannot install {NEWEST!r}: {error.stderr}")


@pytest.fixture(scope="module")
def run(service: Service, client_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    del client_installed
    folder = tmp_path_factory.mktemp("client")

    def script(name: str, *arguments: object) -> Any:
        texts = [str(argument) for argument in arguments]
        return finish(start(service.endpoint, SCRIPTS / f"{name}.py", folder, *texts))

    return script


@pytest.fixture(scope="module")
def ask(service: Service) -> Sql:
    """The rows of a query; keyword arguments are its parameters."""

    def query(statement: str, **parameters: str) -> list[dict[str, Any]]:
        given = {f"param_{name}": value for name, value in parameters.items()}
        answer = httpx.post(f"{service.endpoint}/sql", content=statement, params=given, timeout=60)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    return query
