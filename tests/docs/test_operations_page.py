"""docs/operations.md names every metric that a service has, and its alerts use those."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from ingest.build import event, span, traces
from support.markdown import ROOT, blocks

PAGE = "docs/operations.md"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def exposed(tmp_path: Path) -> str:
    """A scrape of a service in which something of each kind has happened."""
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=0)
    with Service(settings) as service, httpx.Client(base_url=service.endpoint) as client:
        nameless = event("gen_ai.evaluation.result", {})
        body = traces(span(events=[nameless]), span(span_id=b"\1")).SerializeToString()
        client.post("/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
        with grpc.insecure_channel(service.grpc_endpoint) as channel:
            channel.unary_unary(EXPORT)(body, timeout=30)
        client.post("/sql", content="SELECT 1")
        return client.get("/metrics").text


def documented() -> set[str]:
    table = (ROOT / PAGE).read_text(encoding="utf-8").split("## The metrics")[1].split("## Alerts")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_page_names_every_metric_and_no_other(exposed: str) -> None:
    assert documented() == set(re.findall(r"^# TYPE (\w+) ", exposed, flags=re.MULTILINE))


def test_the_alerts_are_made_of_those_metrics() -> None:
    rules = blocks(PAGE, "yaml")[1]
    used = {re.sub(r"_(bucket|count)$", "", name) for name in re.findall(r"evalspan_\w+", rules)}
    assert used <= documented()
    assert rules.count("alert:") == rules.count("expr:") > 5
