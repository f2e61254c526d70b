"""The stock OpenTelemetry exporters against the service."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from ingest.build import Service


def over_http(service: Service) -> SpanExporter:
    return HttpExporter(f"{service.url}/v1/traces", compression=Compression.Gzip)


def over_grpc(service: Service) -> SpanExporter:
    return GrpcExporter(f"127.0.0.1:{service.grpc_port}", insecure=True)


def counted(exporter: SpanExporter) -> tuple[SpanExporter, list[int]]:
    """The exporter, and the sizes of the batches that were handed to it."""
    sizes: list[int] = []
    genuine = exporter.export

    def export(spans: object) -> object:
        sizes.append(len(spans))  # pyright: ignore[reportArgumentType] (a sequence of spans)
        return genuine(spans)  # pyright: ignore[reportArgumentType] (a sequence of spans)

    exporter.export = export  # pyright: ignore[reportAttributeAccessIssue] (the same signature)
    return exporter, sizes


@pytest.mark.parametrize("transport", [over_http, over_grpc])
def test_every_span_that_a_stock_batch_processor_exports_is_there_once(
    service: Service, transport: Callable[[Service], SpanExporter]
) -> None:
    exporter, sizes = counted(transport(service))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer(f"stock.{transport.__name__}")
    for number in range(5_000):
        with tracer.start_as_current_span("work", attributes={"number": number, "text": "x" * 50}):
            pass
        if number % 500 == 0:
            time.sleep(0.02)  # the processor drops what it cannot keep up with; that is no matter of ours
    provider.shutdown()
    rows = service.store.query(
        "SELECT count() AS rows, uniqExact(span_id) AS spans FROM spans_data "
        "WHERE scope_name = {scope:String}",
        {"scope": f"stock.{transport.__name__}"},
    )
    assert sum(sizes) >= 2048
    assert rows == [{"rows": sum(sizes), "spans": sum(sizes)}]


def test_stock_logs_and_metrics_arrive(service: Service) -> None:
    log_provider = LoggerProvider()
    log_provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{service.url}/v1/logs")))
    log_provider.get_logger("stock").emit(
        event_name="gen_ai.evaluation.result",
        attributes={"gen_ai.evaluation.name": "stock", "gen_ai.evaluation.score.value": 0.5},
    )
    log_provider.shutdown()
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{service.url}/v1/metrics"), 60_000)
    meter_provider = MeterProvider([reader])
    meter_provider.get_meter("stock").create_histogram("stock.duration").record(0.25, {"route": "/"})
    meter_provider.shutdown()
    scores = service.store.query("SELECT score_value FROM evaluations WHERE name = 'stock'")
    points = service.store.query("SELECT sum, attributes FROM metric_points WHERE metric = 'stock.duration'")
    assert scores == [{"score_value": 0.5}]
    assert points == [{"sum": 0.25, "attributes": {"route": "/"}}]
