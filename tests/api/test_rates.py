"""Requests of one key beyond its rate: refused with the time to wait, on HTTP and gRPC alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from evalspan.api.server import Service
from evalspan.errors import RateError
from evalspan.rates import Rates
from evalspan.settings import Settings


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """A request of a key, then the next one half an hour later."""
    limited = settings.model_copy(update={"api_keys": "one,two,three", "rate_limit": 1 / 1800})
    with Service(limited) as running:
        yield running


def key(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


@pytest.mark.parametrize("path", ["/sql", "/v1/traces", "/api/v2/llm-obs/v1/projects"])
def test_a_key_that_asks_too_often_is_told_when_it_may_again(path: str, client: httpx.Client) -> None:
    body: dict[str, Any] = {
        "content": b"SELECT 1",
        "headers": {**key("one"), "content-type": "application/json"},
    }
    assert client.post(path, **body).status_code != 429
    answer = client.post(path, **body)
    assert answer.status_code == 429
    assert 1_700 < int(answer.headers["retry-after"]) <= 1_800
    assert "EVALSPAN_RATE_LIMIT" in answer.text
    assert client.post(path, content=b"SELECT 1", headers=key("two")).status_code != 429
    assert client.get("/healthz").status_code == 200
    assert client.post(path, content=b"SELECT 1", headers=key("none")).status_code == 401


def test_over_grpc_the_same_bucket_answers_as_what_may_pass(service: Service, client: httpx.Client) -> None:
    assert client.post("/sql", content=b"SELECT 1", headers=key("three")).status_code == 200
    with grpc.insecure_channel(service.grpc_endpoint) as channel, pytest.raises(grpc.RpcError) as refusal:
        TraceServiceStub(channel).Export(ExportTraceServiceRequest(), metadata=[*key("three").items()])
    call = refusal.value
    assert isinstance(call, grpc.Call)
    assert call.code() is grpc.StatusCode.UNAVAILABLE
    assert "EVALSPAN_RATE_LIMIT" in (call.details() or "")


def refused(rates: Rates) -> RateError | None:
    try:
        rates.count("a")
    except RateError as error:
        return error
    return None


def test_requests_may_come_in_bursts_and_go_on_at_the_rate() -> None:
    rates = Rates(50.0)
    assert [refused(rates) for _ in range(100)] == [None] * 100
    told = next(error for error in iter(lambda: refused(rates), ()) if error)
    assert told.retry_after == 1
    rates.count("b")
    assert next(True for error in iter(lambda: refused(rates), ()) if not error)


def test_without_the_setting_nothing_is_counted() -> None:
    rates = Rates(0)
    for _ in range(10_000):
        rates.count("a")
