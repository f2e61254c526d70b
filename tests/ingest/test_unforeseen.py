"""An error that nobody foresaw costs the item that it is about, and is told and logged."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, Sum

from evalspan.ingest import dialects, evaluations, metrics, plan
from ingest.build import Service, event, log, logs, span, traces
from ingest.build import metrics as metrics_request

SCORE = {"gen_ai.evaluation.name": "quality", "gen_ai.evaluation.score.value": 0.5}
BROKEN = """
from evalspan.ingest.dialect import Dialect, Made

def fails(view):
    raise LookupError(view.texts["broken.why"])

DIALECT = Dialect(
    "broken", rank=0, marks=("broken.",), fields={"provider": (Made(("broken.",), fails),)}, span_types={}
)
"""


@pytest.fixture
def broken_dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A dialect whose reading raises, where evalspan looks for dialects."""
    (tmp_path / "broken.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.setattr(dialects, "__path__", [*dialects.__path__, str(tmp_path)])
    plan.dialects.cache_clear()
    yield
    plan.dialects.cache_clear()
    sys.modules.pop(f"{dialects.__name__}.broken", None)


def send(service: Service, signal: str, message: bytes) -> str:
    """What the answer says was wrong."""
    kind = {"content-type": "application/x-protobuf"}
    answer = httpx.post(f"{service.url}/v1/{signal}", content=message, headers=kind)
    assert answer.status_code == 200, answer.text
    return answer.content.decode("utf-8", "replace")


@pytest.mark.usefixtures("broken_dialect")
def test_a_span_that_cannot_be_read_is_rejected_and_its_neighbours_are_kept(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    score = event(
        "gen_ai.evaluation.result", {"gen_ai.evaluation.name": "s", "gen_ai.evaluation.score.value": 1.0}
    )
    good, bad = span(), span({"broken.why": "of this"}, name="odd", events=[score])
    for _ in range(2):
        told = send(service, "traces", traces(good, bad, span()).SerializeToString())
        assert "1 spans rejected: the service failed on it" in told
        assert "'odd': LookupError" in told
    found = service.store.query("SELECT span_id FROM spans WHERE trace_id IN {ids:Array(String)}", {
        "ids": [good.trace_id.hex(), bad.trace_id.hex()]
    })  # fmt: skip
    assert [row["span_id"] for row in found] == [good.span_id.hex()]
    scores = "SELECT count() AS n FROM evaluations WHERE trace_id = {id:String}"
    assert service.store.query(scores, {"id": bad.trace_id.hex()})[0]["n"] == 0
    tracebacks = [record for record in caplog.records if record.exc_info]
    assert len(tracebacks) == 1
    assert tracebacks[0].levelno == logging.ERROR


def test_a_log_record_that_cannot_be_read_is_rejected_and_its_neighbours_are_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = evaluations.add

    def add(batch: object, view: object, trace_id: str, *rest: object) -> bool:
        if trace_id.startswith("ee"):
            raise RuntimeError("what nobody foresaw")
        return genuine(batch, view, trace_id, *rest)  # pyright: ignore[reportArgumentType] (the same arguments)

    monkeypatch.setattr(evaluations, "add", add)
    score = {"gen_ai.evaluation.name": "quality", "gen_ai.evaluation.score.value": 0.5}
    good, bad = (
        log(score, event_name="gen_ai.evaluation.result", trace_id=bytes([first]) * 16)
        for first in (0xDD, 0xEE)
    )
    told = send(service, "logs", logs(bad, good, log()).SerializeToString())
    assert "1 log records rejected" in told
    assert service.ingest.stats().accepted["log records"] == 2


def test_each_point_of_a_metric_that_cannot_be_read_is_counted(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(point: object) -> dict[str, object]:
        raise ArithmeticError

    monkeypatch.setitem(metrics._READ, "gauge", fails)  # pyright: ignore[reportPrivateUsage] (nothing that is sent raises there)
    points = [NumberDataPoint(time_unix_nano=1, as_int=number) for number in range(3)]
    bad = Metric(name="bad", gauge=Gauge(data_points=points))
    good = Metric(name="good", sum=Sum(data_points=points[:1]))
    told = send(service, "metrics", metrics_request(bad, good).SerializeToString())
    assert "3 data points rejected" in told
    assert service.ingest.stats().accepted["data points"] == 1
