"""An unmodified ddtrace against a running service. Without a package index these tests are skipped,
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
from support.ddtrace_client import NEWEST, Run, Sql, interpreter, run_script


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service(Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=-1)) as running:
        yield running


@pytest.fixture
def requirement() -> str:
    """The version of ddtrace; tests parametrize it to run with others."""
    return NEWEST


@pytest.fixture
def run(service: Service, requirement: str, tmp_path: Path) -> Run:
    try:
        python = interpreter(requirement)
    except subprocess.CalledProcessError as error:
        absent(f"pip cannot install {requirement!r}: {error.stderr}")
    return lambda text: run_script(python, service.endpoint, tmp_path, text)


@pytest.fixture
def ask(service: Service) -> Sql:
    """The rows of a query."""

    def query(statement: str) -> list[dict[str, Any]]:
        answer = httpx.post(f"{service.endpoint}/sql", content=statement, timeout=60)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    return query
