"""The three signals of OTLP: their messages, and what their parts are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1 import (  # pyright: ignore[reportMissingTypeStubs] (its stub has no __init__)
    logs_service_pb2 as logs_service,
)
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service


class Signal(StrEnum):
    """A signal, by the name that its path ends in."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


@dataclass(frozen=True)
class Parts:
    """The messages of one signal. All three nest alike and number their fields alike."""

    request: Callable[[], Any]
    response: Callable[[], Any]
    groups: str  # field names, in snake case
    scope_groups: str
    items: str
    rejected: str  # the counter in partial_success
    noun: str
    service: str


PARTS: Final = {
    Signal.TRACES: Parts(
        trace_service.ExportTraceServiceRequest,
        trace_service.ExportTraceServiceResponse,
        "resource_spans",
        "scope_spans",
        "spans",
        "rejected_spans",
        "spans",
        "opentelemetry.proto.collector.trace.v1.TraceService",
    ),
    Signal.LOGS: Parts(
        logs_service.ExportLogsServiceRequest,
        logs_service.ExportLogsServiceResponse,
        "resource_logs",
        "scope_logs",
        "log_records",
        "rejected_log_records",
        "log records",
        "opentelemetry.proto.collector.logs.v1.LogsService",
    ),
    Signal.METRICS: Parts(
        metrics_service.ExportMetricsServiceRequest,
        metrics_service.ExportMetricsServiceResponse,
        "resource_metrics",
        "scope_metrics",
        "metrics",
        "rejected_data_points",
        "data points",
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
    ),
}
