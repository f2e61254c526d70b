"""A span and a log record, sent the way the SDK sends, and read back with SQL.

They belong to no experiment and to the service `evalspan-doctor`, so no result ever counts them; they
stay in `spans` and `logs`, where a trace id finds them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME

from evalspan.cli.doctor import address, port
from evalspan.cli.doctor.finding import Finding, ok, problem
from evalspan.cli.doctor.service import Service
from evalspan.errors import UsageError
from evalspan.sdk import target
from evalspan.sdk.ledger import SIGNALS, Signal
from evalspan.sdk.target import Target
from evalspan.sdk.transport import Outcome, Transport
from evalspan.settings import Settings

NAME: Final = "evalspan-doctor"
_NOT_ALLOWED: Final = ("HTTP 401", "HTTP 403", "UNAUTHENTICATED", "PERMISSION_DENIED")
_LONGEST_REASON: Final = 150  # a client that got HTTP/2 for HTTP/1 shows all of the bytes
_SCOPE: Final = InstrumentationScope(NAME)
_QUERIES: Final[Mapping[Signal, str]] = {"spans": "probe_spans", "scores": "probe_logs"}
_PATHS: Final[Mapping[Signal, str]] = {"spans": "/v1/traces", "scores": "/v1/logs"}


def probe(settings: Settings, service: Service | None, patience: float) -> Iterator[Finding]:
    """One finding per signal. With a service, what was sent is looked for there for `patience` seconds."""
    for signal in SIGNALS:
        try:
            where = target.resolve(signal, settings)
        except UsageError as error:
            yield problem(signal, str(error), "Name one of the two.")
            continue
        trace_id = secrets.randbits(128) | 1
        transport = Transport(signal, where)
        try:
            outcome = transport.send([_span(trace_id) if signal == "spans" else _log(trace_id)])
        finally:
            transport.close()
        if outcome.verdict != "delivered" or outcome.rejected:
            yield _undelivered(signal, where, outcome)
        elif service is None:
            yield ok(signal, f"{where.endpoint} takes a probe over {where.protocol}.")
        else:
            yield _read_back(signal, where, service, f"{trace_id:032x}", patience)


def _span(trace_id: int) -> Any:
    now = time.time_ns()
    return ReadableSpan(
        NAME,
        _context(trace_id),
        resource=_resource(),
        start_time=now,
        end_time=now,
        instrumentation_scope=_SCOPE,
    )


def _log(trace_id: int) -> Any:
    now = time.time_ns()
    within = trace.set_span_in_context(trace.NonRecordingSpan(_context(trace_id)), Context())
    record = LogRecord(timestamp=now, observed_timestamp=now, context=within, event_name=NAME)
    return ReadableLogRecord(record, _resource(), _SCOPE)


def _context(trace_id: int) -> trace.SpanContext:
    return trace.SpanContext(trace_id, secrets.randbits(64) | 1, False, trace.TraceFlags.get_default())


def _resource() -> Resource:
    return Resource({SERVICE_NAME: NAME})


def _read_back(signal: Signal, where: Target, service: Service, trace_id: str, patience: float) -> Finding:
    began = time.monotonic()
    while time.monotonic() - began < patience:
        try:
            found = int(service.rows(_QUERIES[signal], trace_id=trace_id)[0]["n"])
        except httpx.HTTPError as error:
            return ok(signal, f"{where.endpoint} takes a probe; it could not be read back ({error}).")
        if found:
            took = f"{time.monotonic() - began:.1f} s"
            return ok(signal, f"{where.endpoint} ({where.protocol}): a probe was in the store after {took}.")
        time.sleep(0.25)
    return problem(
        signal,
        f"{where.endpoint} took a probe, and it is not in the store after {patience:g} s.",
        f"Does what answers there pass {_PATHS[signal].removeprefix('/v1/')} on to this service?",
    )


def _undelivered(signal: Signal, where: Target, outcome: Outcome) -> Finding:
    reason = outcome.reason.encode("ascii", "replace").decode()
    reason = "".join(letter for letter in reason if letter.isprintable())[:_LONGEST_REASON].rstrip(".")
    told = f"{where.endpoint} did not take a probe over {where.protocol}: {reason}."
    return problem(signal, told, _advice(signal, where, outcome))


def _advice(signal: Signal, where: Target, outcome: Outcome) -> str:
    parts = urlsplit(where.endpoint if "://" in where.endpoint else f"//{where.endpoint}")
    path = _PATHS[signal]
    if where.protocol == "http/protobuf" and parts.path.endswith(path + path):
        return f"The path is doubled: {path} is added to OTEL_EXPORTER_OTLP_ENDPOINT, so leave it out there."
    if "HTTP 404" in outcome.reason or "HTTP 405" in outcome.reason:
        return f"A variable for one signal is used as it is; it should end in {path}."
    if any(sign in outcome.reason for sign in _NOT_ALLOWED):
        return "Set EVALSPAN_API_KEY, or the headers in OTEL_EXPORTER_OTLP_HEADERS."
    speech = port.spoken(parts.hostname or "", parts.port or address.port_of(parts))
    if where.protocol == "grpc" and speech == "http":
        return "That port speaks HTTP: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or the gRPC port (4317)."
    if where.protocol != "grpc" and speech == "grpc":
        return "That port speaks gRPC: OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or the HTTP port (4318)."
    if where.protocol == "grpc" and speech == "grpc" and parts.scheme != "http":
        return f"That port speaks without TLS: write it as http://{parts.netloc}."
    if proxy := address.proxy_of(f"{parts.scheme or 'http'}://{parts.netloc}"):
        return f"The environment sends it through the proxy {proxy}; add {parts.hostname} to NO_PROXY."
    return "Does it run, and under this host and port?"
