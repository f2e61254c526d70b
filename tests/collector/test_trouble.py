"""What the Collector does when something is refused, and where it can be seen: docs/collector.md."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from ingest.build import log, logs, span, traces
from support.collector import Collector
from support.process import wait_until
from support.service import ServiceProcess

NOWHERE = "http://127.0.0.1:9"


def post(collector: Collector, body: bytes, signal: str = "traces") -> httpx.Response:
    return httpx.post(
        f"{collector.http}/v1/{signal}",
        content=body,
        headers={"content-type": "application/x-protobuf"},
        timeout=60,
    )


def test_items_that_the_service_refuses_are_logged_and_their_neighbours_kept(
    collector: Collector, service: ServiceProcess
) -> None:
    good = span()
    body = traces(good, span(span_id=bytes(8))).SerializeToString()
    assert post(collector, body).status_code == 200
    wait_until(lambda: collector.queued() == 0)
    rows = service.sql("SELECT name FROM spans WHERE trace_id = {t:String}", t=good.trace_id.hex())
    assert rows == [{"name": "work"}]
    assert "Partial success response" in collector.log
    assert '"dropped_spans": 1' in collector.log
    ready = httpx.get(f"{service.endpoint}/readyz").json()
    assert sum(ready["ingest"]["rejected"].values()) == 1


def test_a_wrong_key_drops_what_was_acknowledged_and_says_so(tmp_path: Path) -> None:
    with (
        ServiceProcess(
            tmp_path / "s", f"chdb://{tmp_path / 'store'}", {"EVALSPAN_API_KEYS": "right"}
        ) as service,
        Collector(tmp_path / "c", service.endpoint, {"EVALSPAN_API_KEY": "wrong"}) as collector,
    ):
        service.start()
        collector.start()
        assert post(collector, traces(span(), span()).SerializeToString()).status_code == 200
        wait_until(lambda: collector.metric("otelcol_exporter_send_failed_spans") == 2)
        assert "Exporting failed. Dropping data." in collector.log
        assert "responded with HTTP Status Code 401" in collector.log


def test_a_full_queue_is_answered_with_try_again(tmp_path: Path) -> None:
    with Collector(tmp_path, NOWHERE, {"OTELCOL_QUEUE_BYTES": "20000"}) as collector:
        collector.start()
        body = traces(span({"text": "x" * 9000})).SerializeToString()
        assert [post(collector, body).status_code for _ in range(3)] == [200, 200, 503]
        assert collector.metric("otelcol_exporter_enqueue_failed_spans") == 1
        assert "sending queue is full" in collector.log
        assert "Exporting failed. Will retry the request after interval." in collector.log


def test_a_collector_without_memory_answers_try_again(tmp_path: Path) -> None:
    with Collector(tmp_path, NOWHERE, {"OTELCOL_MEMORY_MIB": "257"}) as collector:
        collector.start()
        body = logs(log({"text": "x" * 20_000_000})).SerializeToString()
        wait_until(lambda: post(collector, body, "logs").status_code == 503, 30)
        assert collector.metric("otelcol_processor_memory_limiter_refused_log_records") > 0
        assert "Memory usage is above soft limit. Refusing data." in collector.log


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_waits_outlives_the_collector(tmp_path: Path, end: str) -> None:
    one = span()
    with (
        ServiceProcess(tmp_path / "s", f"chdb://{tmp_path / 'store'}") as service,
        Collector(tmp_path / "c", service.endpoint) as collector,
    ):
        collector.start()
        assert post(collector, traces(one).SerializeToString()).status_code == 200
        getattr(collector, end)()
        service.start()
        collector.start()
        wait_until(lambda: collector.queued() == 0)
        query = "SELECT count() AS n FROM spans WHERE trace_id = {trace:String}"
        assert service.sql(query, trace=one.trace_id.hex()) == [{"n": 1}]
