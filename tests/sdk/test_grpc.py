"""OTLP over gRPC, chosen by OTEL_EXPORTER_OTLP_PROTOCOL, against real gRPC servers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent import futures
from contextlib import contextmanager
from typing import Any, cast

import grpc  # pyright: ignore[reportMissingTypeStubs]
import pytest
from opentelemetry.context import Context
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

import evalspan
from evalspan.api.server import Service
from evalspan.sdk.context import Case
from evalspan.sdk.lifecycle import Runtime
from sdk.conftest import Start

CASE = Case("experiment-1", "run-1", 1, "record-1")
Reply = Callable[[int, Any, Any], Any]


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans of the requests that `reply` accepts (returns a response for)."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.calls = 0
        self.names: list[str] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's name
        self.calls += 1
        response = self._reply(self.calls, request, context)
        self.names += [s.name for r in request.resource_spans for p in r.scope_spans for s in p.spans]
        return response


@contextmanager
def receiving(reply: Reply) -> Generator[tuple[Receiver, str], None, None]:
    server = cast("Any", grpc).server(futures.ThreadPoolExecutor(2))
    receiver = Receiver(reply)
    cast("Any", trace_service_pb2_grpc).add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield receiver, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


def fine() -> Any:
    return trace_service_pb2.ExportTraceServiceResponse()


def make_spans(runtime: Runtime, count: int, text: str = "") -> None:
    tracer = runtime.provider.get_tracer("test")
    for number in range(count):
        tracer.start_span(f"span-{number}", CASE.enter(Context()), attributes={"text": text}).end()


@pytest.fixture(autouse=True)
def speak_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")


def start_to(url: str, start: Start, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    return start("http://127.0.0.1:9")


def test_an_experiment_travels_over_grpc(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{service.grpc_endpoint}")
    runtime = start(service.endpoint)
    result = evalspan.experiment(
        name="grpc", task=lambda: 1, dataset=[{"input": n} for n in range(5)], evaluators=[lambda: True]
    ).run()
    assert result.delivery.complete
    query = """SELECT count() AS n, sum(scores['lambda_1']) AS s FROM experiment_results
               WHERE experiment_id = {id:String}"""
    assert list(runtime.client.sql(query, id=result.experiment_id)) == [{"n": 5, "s": 5}]


def test_an_unavailable_receiver_is_asked_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(call: int, request: Any, context: Any) -> Any:
        if call <= 2:
            context.abort(cast("Any", grpc).StatusCode.UNAVAILABLE, "starting")
        return fine()

    with receiving(reply) as (receiver, url):
        runtime = start_to(url, start, monkeypatch)
        make_spans(runtime, 4)
        assert runtime.delivery.flush(20)
        assert sorted(receiver.names) == [f"span-{number}" for number in range(4)]


def test_a_message_over_the_limit_is_split(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(call: int, request: Any, context: Any) -> Any:
        if request.ByteSize() > 4000:
            context.abort(cast("Any", grpc).StatusCode.RESOURCE_EXHAUSTED, "message larger than max")
        return fine()

    with receiving(reply) as (receiver, url):
        runtime = start_to(url, start, monkeypatch)
        make_spans(runtime, 40, "x" * 500)
        assert runtime.delivery.flush(20)
        assert len(receiver.names) == len(set(receiver.names)) == 40


def test_a_partial_success_is_counted(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(call: int, request: Any, context: Any) -> Any:
        response = fine()
        response.partial_success.rejected_spans = 1
        response.partial_success.error_message = "too old"
        return response

    with receiving(reply) as (_, url):
        runtime = start_to(url, start, monkeypatch)
        make_spans(runtime, 3)
        assert not runtime.delivery.flush(10)
        account = runtime.delivery.ledger.account()
        assert (account.spans.acknowledged, account.spans.failed) == (2, 1)
        assert account.reasons["rejected by the service: too old"] == 1


def test_bad_data_is_final(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(call: int, request: Any, context: Any) -> Any:
        context.abort(cast("Any", grpc).StatusCode.INVALID_ARGUMENT, "no such field")

    with receiving(reply) as (receiver, url):
        runtime = start_to(url, start, monkeypatch)
        make_spans(runtime, 3)
        assert not runtime.delivery.flush(10)
        assert receiver.calls == 1
        assert "INVALID_ARGUMENT: no such field" in runtime.delivery.ledger.account().reasons
