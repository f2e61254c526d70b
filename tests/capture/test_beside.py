"""Beside another instrumentation of the same calls nothing counts twice: no span, no token, no money."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalspan.api.server import Service
from evalspan.demo.llm import ReplayServer
from evalspan.sdk.client import Client
from evalspan.settings import Settings
from support.command import environment

pytestmark = pytest.mark.slow  # each starts a process that imports a client library and its instrumentation

APP = Path(__file__).parent / "beside" / "app.py"
DIALECTS = {
    "genai": "semconv",
    "openinference": "openinference",
    "openllmetry": "openllmetry",
    "logfire": "logfire",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = f"chdb://{tmp_path_factory.mktemp('beside')}"
    with Service(Settings(store=store, http_port=0, grpc_port=0)) as running:
        yield running


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayServer]:
    with ReplayServer(lambda model, messages: "three") as server:
        yield server


def asked(
    which: str, service: Service, provider: ReplayServer
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result of the one case, and its LLM spans."""
    done = subprocess.run(
        [sys.executable, str(APP), which, provider.base_url],
        env=environment(EVALSPAN_ENDPOINT=service.endpoint), capture_output=True, text=True, timeout=90,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    experiment = done.stdout.split()[-1]
    client = Client(service.endpoint, "", patience=5)
    [result] = client.sql(
        "SELECT llm_calls, input_tokens, output_tokens, cost_usd "
        "FROM experiment_results WHERE experiment_id = {id:String}", id=experiment,
    )  # fmt: skip
    spans = list(
        client.sql(
            "SELECT dialect, scope_name, cost_usd FROM spans "
            "WHERE experiment_id = {id:String} AND span_type = 'LLM' ORDER BY start_time",
            id=experiment,
        )
    )
    return result, spans


@pytest.mark.parametrize("which", list(DIALECTS))
def test_a_call_that_another_package_records_counts_once(
    which: str, service: Service, provider: ReplayServer
) -> None:
    result, spans = asked(which, service, provider)
    # Two calls, plain and streamed, of two words in and one word out each.
    counts = ("llm_calls", "input_tokens", "output_tokens")
    assert [int(result[name]) for name in counts] == [2, 4, 2]
    assert {span["dialect"] for span in spans} == {DIALECTS[which]}
    # Logfire says in two spans what a streamed call is.
    assert len(spans) == (3 if which == "logfire" else 2)


def test_alone_the_capture_counts_the_same(service: Service, provider: ReplayServer) -> None:
    costs = [float(asked(which, service, provider)[0]["cost_usd"]) for which in ("alone", "openinference")]
    assert costs[0] == costs[1] > 0
