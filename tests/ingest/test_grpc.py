"""OTLP/gRPC, over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import grpc
import pytest
from google.rpc.error_details_pb2 import (  # pyright: ignore[reportMissingTypeStubs] (no py.typed)
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # pyright: ignore[reportMissingTypeStubs] (its stub has no __init__)
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from evalspan.settings import load
from ingest.build import START, Service, log, logs, metrics, span, traces

SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
TRACES = SERVICE.format("trace", "Trace")


def call(
    service: Service, body: bytes, method: str = TRACES, compression: Any = None, **metadata: str
) -> bytes:
    """One unary call with raw bytes."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc_port}", options=options) as channel:
        export = cast("Callable[..., bytes]", channel.unary_unary(method))
        pairs = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return export(body, timeout=30, compression=compression, metadata=pairs)


def refused(service: Service, body: bytes, **options: Any) -> tuple[grpc.StatusCode, Status]:
    """The code and the google.rpc.Status of a call that fails."""
    with pytest.raises(grpc.RpcError) as caught:
        call(service, body, **options)
    error: Any = caught.value
    trailing: dict[str, bytes] = dict(error.trailing_metadata() or ())
    details = trailing.get("grpc-status-details-bin", b"")
    return error.code(), Status.FromString(details)


@pytest.fixture(scope="module")
def guarded(service: Service) -> Iterator[Service]:
    """A second service on the same store: small, and with a key."""
    settings = load(
        {
            "http_port": 0,
            "grpc_port": 0,
            "max_body_bytes": 100_000,
            "max_pending_bytes": 100_000,
            "api_keys": "secret",
        },
        {},
    )
    with Service(service.store, settings) as running:
        yield running


def test_all_three_services_answer_and_success_leaves_partial_success_unset(service: Service) -> None:
    one = span()
    point = Metric(name="grpc")
    point.gauge.data_points.add(time_unix_nano=START, as_int=1)
    answers = (
        ExportTraceServiceResponse.FromString(call(service, traces(one).SerializeToString())),
        ExportLogsServiceResponse.FromString(
            call(service, logs(log()).SerializeToString(), SERVICE.format("logs", "Logs"))
        ),
        ExportMetricsServiceResponse.FromString(
            call(service, metrics(point).SerializeToString(), SERVICE.format("metrics", "Metrics"))
        ),
    )
    assert [answer.HasField("partial_success") for answer in answers] == [False] * 3
    assert service.span_row(one)["name"] == "work"


def test_gzip_and_empty_requests_are_taken(service: Service) -> None:
    one = span()
    assert call(service, b"") == b""
    assert call(service, traces(one).SerializeToString(), compression=grpc.Compression.Gzip) == b""
    assert service.span_row(one)["name"] == "work"


def test_rejected_spans_make_a_partial_success(service: Service) -> None:
    good = span()
    body = call(service, traces(good, span(span_id=b"\1")).SerializeToString())
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (partial.rejected_spans, "span_id" in partial.error_message) == (1, True)
    assert service.span_row(good)["name"] == "work"


def test_broken_utf8_costs_only_the_span_that_has_it(service: Service) -> None:
    good, bad = span(), span({"key": "break me"})
    body = traces(good, bad).SerializeToString().replace(b"break me", b"\xff" * 8)
    partial = ExportTraceServiceResponse.FromString(call(service, body)).partial_success
    assert partial.rejected_spans == 1
    assert service.span_row(good)["name"] == "work"


def test_bad_data_is_invalid_argument_with_a_bad_request(service: Service) -> None:
    code, status = refused(service, b"no protobuf at all")
    detail = BadRequest()
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert status.details[0].Unpack(detail)
    assert detail.field_violations[0].description == status.message


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_resource_exhausted_and_not_to_be_retried(
    guarded: Service, compression: grpc.Compression
) -> None:
    body = traces(span({"zeros": "0" * 5_000_000})).SerializeToString()
    code, status = refused(guarded, body, compression=compression, x_api_key="secret")
    assert (code, len(status.details)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 0)


def test_a_full_queue_is_unavailable_with_retry_info(guarded: Service) -> None:
    guarded.ingest.budget.take(100_000)
    try:
        code, status = refused(guarded, traces(span()).SerializeToString(), x_api_key="secret")
    finally:
        guarded.ingest.budget.give(100_000)
    retry = RetryInfo()
    assert code == grpc.StatusCode.UNAVAILABLE
    assert status.details[0].Unpack(retry)
    assert 0 < retry.retry_delay.seconds <= 5


def test_a_call_without_a_known_key_is_unauthenticated(guarded: Service) -> None:
    body = traces(span()).SerializeToString()
    assert refused(guarded, body)[0] == grpc.StatusCode.UNAUTHENTICATED
    assert refused(guarded, body, authorization="Bearer wrong")[0] == grpc.StatusCode.UNAUTHENTICATED
    assert call(guarded, body, authorization="Bearer secret") == b""


def test_an_unknown_method_is_unimplemented(service: Service) -> None:
    assert refused(service, b"", method="/made.up.Service/Export")[0] == grpc.StatusCode.UNIMPLEMENTED
