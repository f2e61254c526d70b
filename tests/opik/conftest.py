"""An unmodified opik against a running service. Without a package index these tests are skipped,
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
from support.opik_client import BASE, REQUIREMENT, Run, Sql, interpreter, run_script

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for the tests of a module: each uses project names of its own."""
    store = tmp_path_factory.mktemp("opik") / "store"
    with Service(Settings(store=f"chdb://{store}", http_port=0, grpc_port=-1)) as running:
        yield running


@pytest.fixture
def opik(service: Service) -> Iterator[httpx.Client]:
    """A client of the face itself; paths begin behind `/opik/api`."""
    with httpx.Client(base_url=service.endpoint + BASE, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter that has opik."""
    try:
        return interpreter()
    except subprocess.CalledProcessError as error:
        absent(f"pip cannot install {REQUIREMENT!r}: {error.stderr}")


@pytest.fixture
def run(service: Service, python: Path, tmp_path: Path) -> Run:
    def script(name: str, **variables: str) -> Any:
        return run_script(python, service.endpoint, tmp_path, SCRIPTS / f"{name}.py", variables)

    return script


@pytest.fixture
def ask(service: Service) -> Sql:
    """The rows of a query; keyword arguments are its parameters."""

    def query(statement: str, **parameters: str) -> list[dict[str, Any]]:
        given = {f"param_{name}": value for name, value in parameters.items()}
        answer = httpx.post(f"{service.endpoint}/sql", content=statement, params=given, timeout=60)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    return query
