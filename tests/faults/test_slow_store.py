"""A store slower than the ingest: what fits waits, the rest is told to come again, and nothing is lost.

`benchmarks/overload.py` measures it at ten times the rate that the store sustains.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from collector.load import Load, settle
from ingest.build import span, traces
from support.clickhouse_server import ClickHouseServer
from support.process import wait_until
from support.service import ServiceProcess

PENDING = {"EVALSPAN_MAX_PENDING_BYTES": "40000"}  # four executions of the load


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClickHouseServer]:
    """One of the test's own: it is paused."""
    started = ClickHouseServer(tmp_path / "clickhouse")
    started.start()
    yield started
    started.resume()
    started.stop()


def test_a_paused_store_means_503_with_retry_after_while_health_is_answered_and_nothing_is_lost(
    server: ClickHouseServer, tmp_path: Path
) -> None:
    with ServiceProcess(tmp_path / "s", server.address("slow"), PENDING) as service:
        service.start()
        with Load(service.endpoint, 8, grpc_target=f"127.0.0.1:{service.grpc_port}") as load:
            wait_until(lambda: len(load.scores) > 0)
            server.pause()
            wait_until(lambda: load.refused[503] > 20)
            headers = {"content-type": "application/x-protobuf"}
            large = traces(span({"text": "x" * 40_000})).SerializeToString()
            refused = httpx.post(f"{service.endpoint}/v1/traces", content=large, headers=headers)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert httpx.get(f"{service.endpoint}/healthz", timeout=5).status_code == 200
            server.resume()
            time.sleep(1)
        assert load.broken == []
        for account in settle(service, load).values():
            assert account.acknowledged > 0
            assert (account.lost, account.doubled, account.unknown) == (0, 0, 0)
