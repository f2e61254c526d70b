"""Two `evalspan serve` on one ClickHouse server, started at once and used in turn."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from evalspan.store import Store
from ingest.build import log, logs, span, trace_id, traces
from support.clickhouse_server import ClickHouseServer
from support.command import Evalspan, environment

SCRIPT = """
import evalspan

dataset = evalspan.Dataset([{"input": n} for n in range(5)], name="numbers").push()

def task(input_data):
    with evalspan.span("step"):
        return input_data * 2

def doubled(input_data, output_data):
    return output_data == input_data * 2

result = evalspan.experiment(name="doubling", task=task, dataset=dataset, evaluators=[doubled], runs=2).run()
assert result.delivery.failed == 0, result.delivery
"""
PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def address(clickhouse_server: ClickHouseServer) -> Iterator[str]:
    yield clickhouse_server.address("replicas")
    clickhouse_server.drop("replicas")


@pytest.fixture(scope="module")
def endpoints(address: str) -> Iterator[list[str]]:
    """The base URLs of two services, which found an empty server at the same moment."""
    command = [sys.executable, "-m", "evalspan", "serve", "--http-port", "0", "--grpc-port", "-1"]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command, env=environment(EVALSPAN_STORE=address), stderr=subprocess.PIPE, text=True
                )
            )
            for _ in range(2)
        ]
        for process in started:
            stack.callback(process.kill)
        lines = [process.stderr.readline() for process in started if process.stderr is not None]
        found = [re.search(r"http://[\d.]+:\d+", line) for line in lines]
        assert all(found), lines
        yield [match[0] for match in found if match is not None]


def test_experiments_run_at_both_at_once_share_what_has_one_name(
    evalspan: Evalspan, tmp_path: Path, endpoints: list[str], address: str
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda url: evalspan("run", "script.py", EVALSPAN_ENDPOINT=url), endpoints))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    evalspan("run", "script.py", EVALSPAN_ENDPOINT=endpoints[0])
    with Store(address) as store:
        assert store.query("SELECT count() AS n FROM projects") == [{"n": 1}]
        assert store.query("SELECT name, current_version FROM datasets") == [
            {"name": "numbers", "current_version": 1}
        ]
        assert store.query("SELECT uniqExact(experiment_name) AS n, count() AS all FROM experiments") == [
            {"n": 3, "all": 3}
        ]
        found = store.query(
            "SELECT count() AS n, avg(scores['doubled']) AS mean, uniqExact(experiment_id) AS experiments "
            "FROM experiment_results WHERE experiment = 'doubling'"
        )
        assert found == [{"n": 30, "mean": 1.0, "experiments": 3}]


def test_what_is_sent_to_both_is_stored_once(endpoints: list[str], address: str) -> None:
    trace = trace_id()
    case = span({"evalspan.experiment.name": "twice"}, trace_id=trace)
    score = log(
        {"gen_ai.evaluation.name": "ok", "gen_ai.evaluation.score.value": 0.5},
        event_name="gen_ai.evaluation.result",
        trace_id=trace,
    )
    bodies = {"traces": traces(case), "logs": logs(score, log())}
    for signal, message in bodies.items():
        with ThreadPoolExecutor(4) as pool:
            urls = [f"{endpoint}/v1/{signal}" for endpoint in endpoints * 2]
            sent = pool.map(
                lambda url, body: httpx.post(url, content=body, headers=PROTOBUF, timeout=30).status_code,
                urls,
                [message.SerializeToString()] * 4,
            )
            assert list(sent) == [200] * 4
    for endpoint in endpoints:
        statement = "SELECT scores FROM experiment_results WHERE experiment = 'twice'"
        answer = httpx.post(f"{endpoint}/sql", content=statement)
        assert [json.loads(line) for line in answer.text.splitlines()] == [{"scores": {"ok": 0.5}}]
    with Store(address) as store:
        for view in ("spans", "evaluations"):
            statement = f"SELECT count() AS n FROM {view} WHERE trace_id = {{trace:String}}"
            assert store.query(statement, {"trace": trace.hex()}) == [{"n": 1}]
        assert store.query("SELECT count() AS n FROM logs") == [{"n": 1}]
