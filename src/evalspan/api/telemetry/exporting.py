"""Sending the service's metrics as OTLP, where OpenTelemetry's variables ask for it.

OTLP's default endpoint is this service's own address. A service that counts what it receives and
sends those counts to itself never falls silent, so an endpoint must be named.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    OTEL_EXPORTER_OTLP_PROTOCOL,
)
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader

logger = logging.getLogger("evalspan.telemetry")

OTEL_METRICS_EXPORTER: Final = "OTEL_METRICS_EXPORTER"  # the SDK has no constant for it
_OTLP: Final = "otlp"
_GRPC: Final = "grpc"


def readers(environ: Mapping[str, str] | None = None) -> list[MetricReader]:
    """The exporting reader, or nothing where the environment does not ask for one."""
    source = os.environ if environ is None else environ
    asked = source.get(OTEL_METRICS_EXPORTER, "").strip().lower()
    own = source.get(OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, "")
    if asked != _OTLP and (asked or not own):
        return []
    if not own and not source.get(OTEL_EXPORTER_OTLP_ENDPOINT, ""):
        logger.warning(
            "%s=otlp without an endpoint would send this service's metrics to itself, so they are not "
            "sent. Name a receiver in %s.",
            OTEL_METRICS_EXPORTER,
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
        )
        return []
    protocol = source.get(OTEL_EXPORTER_OTLP_METRICS_PROTOCOL) or source.get(OTEL_EXPORTER_OTLP_PROTOCOL, "")
    return [PeriodicExportingMetricReader(_exporter(protocol.strip().lower()))]


def _exporter(protocol: str) -> MetricExporter:
    if protocol == _GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        return Grpc()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

    return Http()
