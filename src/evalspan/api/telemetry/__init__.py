"""The service's own telemetry: one set of instruments, read at `/metrics` and exported as OTLP."""

from evalspan.api.telemetry.provider import Telemetry

__all__ = ["Telemetry"]
