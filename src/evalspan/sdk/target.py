"""Where telemetry goes: the OTEL_EXPORTER_OTLP_* variables, else the evalspan service.

The API key goes to the evalspan service's own host only: a collector or vendor named by the
OTEL variables gets what OTEL_EXPORTER_OTLP_HEADERS says, not somebody else's key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

from evalspan.errors import UsageError
from evalspan.sdk.ledger import Signal
from evalspan.settings import Settings

Protocol = Literal["http/protobuf", "grpc"]
_NAMES: dict[Signal, tuple[str, str]] = {"spans": ("TRACES", "v1/traces"), "scores": ("LOGS", "v1/logs")}


@dataclass(frozen=True)
class Target:
    """One signal's destination; for HTTP `endpoint` is the full URL."""

    endpoint: str
    protocol: Protocol
    headers: Mapping[str, str]


def resolve(signal: Signal, settings: Settings, environ: Mapping[str, str] | None = None) -> Target:
    """The destination of a signal.

    Raises:
        UsageError: a protocol that the exporters do not speak.
    """
    source = os.environ if environ is None else environ
    name, path = _NAMES[signal]
    protocol = _protocol(source, name)
    own = source.get(f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "")
    base = source.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if protocol == "grpc":
        endpoint = own or base or _grpc_default(settings)
    else:
        endpoint = own or f"{(base or settings.endpoint).rstrip('/')}/{path}"
    return Target(endpoint, protocol, _headers(source, name, endpoint, settings))


def _protocol(source: Mapping[str, str], name: str) -> Protocol:
    for variable in (f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        given = source.get(variable, "").strip().lower()
        if given == "grpc":
            return "grpc"
        if given == "http/protobuf":
            return "http/protobuf"
        if given:
            raise UsageError(f"{variable}={given!r}: the exporters speak 'http/protobuf' and 'grpc'.")
    return "http/protobuf"


def _grpc_default(settings: Settings) -> str:
    parts = urlsplit(settings.endpoint)
    return f"{parts.scheme}://{parts.hostname}:{settings.grpc_port}"


def _headers(source: Mapping[str, str], name: str, endpoint: str, settings: Settings) -> dict[str, str]:
    given = source.get(f"OTEL_EXPORTER_OTLP_{name}_HEADERS") or source.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    headers = dict(parse_env_headers(given, liberal=True))
    if settings.api_key and "authorization" not in headers and _host(endpoint) == _host(settings.endpoint):
        headers["authorization"] = f"Bearer {settings.api_key}"
    return headers


def _host(url: str) -> str | None:
    """The host name of a URL, of `host:port` too, which gRPC endpoints may be."""
    return urlsplit(url if "://" in url else f"//{url}").hostname
