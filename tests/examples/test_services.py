"""examples/services: a task that calls a Go and a Node service is one trace, with what they cost."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from evalspan.api.server import Service
from evalspan.sdk.client import Client
from evalspan.settings import Settings
from support import languages
from support.command import environment
from support.markdown import ROOT

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "services"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = f"chdb://{tmp_path_factory.mktemp('store')}"
    with Service(Settings(store=store, http_port=0, grpc_port=0)) as running:
        yield running


@pytest.fixture(scope="module")
def recorded(service: Service) -> Client:
    """The example as its README runs it; the services have ended, and sent what they had."""
    with ExitStack() as stack:
        retriever = stack.enter_context(languages.prepared("services/retriever", "go"))
        writer = stack.enter_context(languages.prepared("services/writer", "node", "npm"))
        built = languages.run(retriever, "go", "build", "-o", "retriever", ".")
        assert built.returncode == 0, built.stderr
        llm, addresses = free_port(), {"go": free_port(), "node": free_port()}
        stack.enter_context(process(EXAMPLE, llm, sys.executable, "llm.py", str(llm)))
        common = {"LLM_URL": f"http://127.0.0.1:{llm}/v1", "LLM_API_KEY": "none"}
        go = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{service.grpc_endpoint}",
            "OTEL_SERVICE_NAME": "retriever",
        }
        node = {"OTEL_EXPORTER_OTLP_ENDPOINT": service.endpoint, "OTEL_SERVICE_NAME": "writer"}
        stack.enter_context(process(retriever, addresses["go"], "./retriever", **common, **go))
        start = ("node", "--require", "./telemetry.js", "server.js")
        stack.enter_context(process(writer, addresses["node"], *start, **common, **node))
        experiment(service, addresses)
    return Client(service.endpoint, "", patience=5)


def experiment(service: Service, ports: dict[str, int]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evalspan", "run", "experiment.py"],
        cwd=EXAMPLE,
        env=environment(
            EVALSPAN_ENDPOINT=service.endpoint,
            OTEL_SERVICE_NAME="experiment",
            RETRIEVER_URL=f"http://127.0.0.1:{ports['go']}",
            WRITER_URL=f"http://127.0.0.1:{ports['node']}",
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def process(folder: Path, port: int, *command: str, **variables: str) -> Generator[None, None, None]:
    """A server, from when it listens; it ends as a service is stopped, so that it flushes."""
    started = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(**variables, PORT=str(port)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not listens(port):
            assert started.poll() is None, f"{command} has ended"
            assert time.monotonic() < deadline, f"{command} does not listen"
            time.sleep(0.05)
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(30)
        finally:
            started.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_case_is_one_trace_through_all_services(recorded: Client) -> None:
    rows = recorded.sql("""
        SELECT r.trace_id AS trace, groupArray((p.service_name, s.service_name, s.name)) AS steps
        FROM experiment_results AS r
        INNER JOIN spans AS s ON s.trace_id = r.trace_id AND s.experiment_id = r.experiment_id
        LEFT ANY JOIN spans AS p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
        WHERE s.service_name != 'experiment'
        GROUP BY trace""")
    found = [sorted(row["steps"]) for row in rows]
    elsewhere = [
        ["experiment", "retriever", "GET /passage"],
        ["experiment", "writer", "GET"],
        ["experiment", "writer", "GET"],
        ["retriever", "retriever", "chat gpt-4o-mini"],
        ["writer", "writer", "chat gpt-4o"],
        ["writer", "writer", "chat gpt-4o"],
    ]
    assert found == [elsewhere] * 4


def test_the_spans_of_the_services_carry_no_attribute_of_ours(recorded: Client) -> None:
    [row] = recorded.sql("""
        SELECT count() AS spans, countIf(arrayExists(k -> k LIKE 'evalspan.%', mapKeys(attributes))) AS marked
        FROM spans WHERE service_name != 'experiment'""")
    assert row == {"spans": 4 * 6, "marked": 0}


def test_a_case_costs_what_its_services_spent_and_not_what_its_judge_spent(recorded: Client) -> None:
    results = list(
        recorded.sql("""
        SELECT r.total_tokens AS tokens, r.cost_usd AS usd, r.llm_calls AS calls, s.usd AS spent
        FROM experiment_results AS r
        INNER JOIN (
            SELECT trace_id, sum(cost_usd) AS usd FROM spans
            WHERE span_type = 'LLM' AND total_tokens IN (12, 25) GROUP BY trace_id
        ) AS s ON s.trace_id = r.trace_id""")
    )
    assert len(results) == 4
    for row in results:
        assert (row["tokens"], row["calls"]) == (12 + 25, 2)
        assert 0 < row["usd"] == row["spent"]


def test_a_case_lasts_as_long_as_what_it_waited_for(recorded: Client) -> None:
    rows = list(
        recorded.sql("""
        SELECT r.duration_ms AS ms, sum(s.duration_ns) / 1e6 AS elsewhere
        FROM experiment_results AS r INNER JOIN spans AS s ON s.trace_id = r.trace_id
        WHERE s.kind = 'SERVER' AND s.evaluator = '' GROUP BY ALL""")
    )
    assert len(rows) == 4
    assert all(row["ms"] > row["elsewhere"] > 0 for row in rows)


def test_the_query_of_the_example_tells_time_and_money_by_service(recorded: Client) -> None:
    rows = {row["service_name"]: row for row in recorded.sql((EXAMPLE / "by_service.sql").read_text())}
    assert {name: (row["cases"], row["llm_calls"], row["tokens"]) for name, row in rows.items()} == {
        "experiment": (4, 0, None),
        "retriever": (4, 4, 4 * 12),
        "writer": (4, 4, 4 * 25),
    }
    assert rows["writer"]["usd"] > rows["retriever"]["usd"] > 0
    assert rows["retriever"]["ms_a_request"] > 0
