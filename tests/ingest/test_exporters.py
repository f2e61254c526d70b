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


def send(service: Service, exporter: SpanExporter, scope: str, spans: int) -> tuple[int, int, int]:
    """(spans exported, rows in the store, distinct spans in the store)."""
    exporter, sizes = counted(exporter)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer(scope)
    for number in range(spans):
        with tracer.start_as_current_span("work", attributes={"number": number, "text": "x" * 50}):
            pass
        while number - sum(sizes) > 1_500:  # its queue holds 2,048 and drops what comes on top
            time.sleep(0.002)
    provider.shutdown()
    [row] = service.store.query(
        "SELECT count() AS n, uniqExact(span_id) AS spans FROM spans_data WHERE scope_name = {scope:String}",
        {"scope": scope},
    )
    return sum(sizes), row["n"], row["spans"]


@pytest.mark.parametrize("transport", [over_http, over_grpc])
def test_every_span_that_a_stock_batch_processor_exports_is_there_once(
    service: Service, transport: Callable[[Service], SpanExporter]
) -> None:
    exported, rows, spans = send(service, transport(service), f"stock.{transport.__name__}", 5_000)
    assert exported == rows == spans == 5_000


@pytest.mark.slow
def test_of_a_hundred_thousand_spans_all_that_were_exported_are_there_once(service: Service) -> None:
    exported, rows, spans = send(service, over_http(service), "stock.many", 100_000)
    assert exported == rows == spans == 100_000


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
