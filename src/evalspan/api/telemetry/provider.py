"""The meter of one service and who reads it.

The provider is private, never the process-wide one: a service may run inside somebody's program.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME, SERVICE_VERSION

from evalspan import memory
from evalspan.api.telemetry import exporting, process, prometheus
from evalspan.api.telemetry.store import StoreWatch
from evalspan.errors import NotFoundError
from evalspan.settings import Settings
from evalspan.store import Store

NAME: Final = "evalspan"
_LAST_EXPORT: Final = 5_000  # a receiver that is away may not hold up the end of the service


class Telemetry:
    """Instruments over one service. `close` sends what an exporter still has."""

    def __init__(self, store: Store, settings: Settings, *, export: bool = False) -> None:
        """`export`: send OTLP metrics too, where OpenTelemetry's variables say so."""
        self._reader = InMemoryMetricReader()
        self._version = version(NAME)
        named = OTELResourceDetector().detect()
        own = Resource({SERVICE_NAME: NAME, SERVICE_VERSION: self._version})
        self._provider = MeterProvider(
            [self._reader, *(exporting.readers() if export else ())],
            resource=own.merge(named),
            shutdown_on_exit=False,
        )
        self.meter: Meter = self._provider.get_meter(NAME, self._version)
        process.observe(self.meter, memory.cap(settings).total)
        StoreWatch(store).observe(self.meter)

    def exposition(self) -> str:
        """Every instrument as it stands, in the Prometheus text format.

        Raises:
            NotFoundError: OTEL_SDK_DISABLED turned all instruments off.
        """
        data: MetricsData | None = self._reader.get_metrics_data()
        if data is None:
            raise NotFoundError(
                "OTEL_SDK_DISABLED=true turned this service's metrics off; start it without that variable."
            )
        return prometheus.render(data)

    def close(self) -> None:
        self._provider.shutdown(timeout_millis=_LAST_EXPORT)
