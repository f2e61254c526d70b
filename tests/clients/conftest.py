"""One experiment by four clients, each unmodified, against one running service. Without a package index
these tests are skipped, except in CI."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from support import ddtrace_client, gentrace_client, opik_client
from support.absent import absent
from support.command import environment

SCRIPTS = Path(__file__).parent / "scripts"
Sql = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("clients") / "store"
    with Service(Settings(store=f"chdb://{store}", http_port=0, grpc_port=-1)) as running:
        yield running


@pytest.fixture(scope="module")
def sql(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Sql:
    """The rows of a query, once every client has run the experiment."""
    for client in (_evalspan, _ddtrace, _gentrace, _opik):
        folder = tmp_path_factory.mktemp("client")
        try:
            client(service.endpoint, folder)
        except subprocess.CalledProcessError as error:
            absent(f"pip cannot install a client: {error.stderr}")

    def query(statement: str) -> list[dict[str, Any]]:
        answer = httpx.post(f"{service.endpoint}/sql", content=statement, timeout=60)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    return query


def _evalspan(endpoint: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "by_evalspan.py")],
        cwd=folder,
        env=environment(EVALSPAN_ENDPOINT=endpoint),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _ddtrace(endpoint: str, folder: Path) -> None:
    shutil.copy(SCRIPTS / "capitals.py", folder)
    python = ddtrace_client.interpreter(ddtrace_client.NEWEST)
    ddtrace_client.run_script(python, endpoint, folder, (SCRIPTS / "by_ddtrace.py").read_text("utf-8"))


def _gentrace(endpoint: str, folder: Path) -> None:
    gentrace_client.finish(gentrace_client.start(endpoint, SCRIPTS / "by_gentrace.py", folder))


def _opik(endpoint: str, folder: Path) -> None:
    opik_client.run_script(opik_client.interpreter(), endpoint, folder, SCRIPTS / "by_opik.py")
