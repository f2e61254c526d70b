"""OTLP messages for tests, and a service to send them to."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

import uvicorn
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # pyright: ignore[reportMissingTypeStubs] (its stub has no __init__)
    ExportLogsServiceRequest,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.middleware import Middleware

from evalspan.access import Keys
from evalspan.api.bodies import Bodies
from evalspan.api.guard import Door, Turnstile
from evalspan.ingest import GrpcServer, Ingest, otlp_routes
from evalspan.settings import Settings, load
from evalspan.store import Store

START = 1_790_000_000_000_000_000
_ids = itertools.count(1)


def value(plain: Any) -> AnyValue:
    """Plain Python as an attribute value."""
    match plain:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case bytes():
            return AnyValue(bytes_value=plain)
        case list():
            return AnyValue(array_value=ArrayValue(values=[value(item) for item in plain]))  # pyright: ignore[reportUnknownVariableType] (any list)
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(plain)))  # pyright: ignore[reportUnknownArgumentType] (any mapping)
        case _:
            return AnyValue(string_value=plain)


def pairs(items: Mapping[str, Any]) -> list[KeyValue]:
    """A mapping as attributes."""
    return [KeyValue(key=key, value=value(item)) for key, item in items.items()]


def trace_id() -> bytes:
    """A trace id that no other test has."""
    return os.urandom(12) + next(_ids).to_bytes(4)


def span(attributes: Mapping[str, Any] | None = None, **fields: Any) -> Span:
    """A good span, unless a field says otherwise."""
    whole: dict[str, Any] = {
        "trace_id": trace_id(),
        "span_id": os.urandom(7) + b"\1",
        "name": "work",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 5_000_000,
        "attributes": pairs(attributes or {}),
    }
    return Span(**{**whole, **fields})


def event(name: str, attributes: Mapping[str, Any], time_unix_nano: int = START) -> Span.Event:
    """An event of a span."""
    return Span.Event(name=name, time_unix_nano=time_unix_nano, attributes=pairs(attributes))


def traces(
    *spans: Span, scope: str = "test", resource: Mapping[str, Any] | None = None
) -> ExportTraceServiceRequest:
    """One request of one scope."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(pairs(resource or {"service.name": "checkout"}))
    scope_group = group.scope_spans.add()
    scope_group.scope.name = scope
    scope_group.spans.extend(spans)
    return request


def log(attributes: Mapping[str, Any] | None = None, **fields: Any) -> LogRecord:
    """A good log record, unless a field says otherwise."""
    whole: dict[str, Any] = {"time_unix_nano": START, "attributes": pairs(attributes or {})}
    return LogRecord(**{**whole, **fields})


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    """One request of one scope."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(pairs({"service.name": "checkout"}))
    group.scope_logs.add().log_records.extend(records)
    return request


def metrics(*items: Metric) -> ExportMetricsServiceRequest:
    """One request of one scope."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(pairs({"service.name": "checkout"}))
    group.scope_metrics.add().metrics.extend(items)
    return request


class Service:
    """The OTLP faces on loopback, over a store, in a thread with an event loop of its own."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        self.store = store
        self.settings = settings or load({"http_port": 0, "grpc_port": 0}, {})
        self.ingest = Ingest(store, self.settings)
        self.grpc_port = 0
        keys = Keys.of(self.settings)
        self._grpc = GrpcServer(self.ingest, self.settings, keys)
        door = Middleware(Door, keys=keys, turnstile=Turnstile(8, 8))
        limit = self.settings.max_body_bytes
        bodies = Middleware(Bodies, budget=self.ingest.budget, limit=limit)
        app = Starlette(routes=otlp_routes(self.ingest, self.settings), middleware=[door, bodies])
        app.router.lifespan_context = self._lifespan
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def _lifespan(self, app: Starlette) -> Any:
        return _Running(self)

    async def started(self) -> None:
        self.grpc_port = await self._grpc.start()

    async def stopped(self) -> None:
        await self._grpc.stop()
        self.ingest.close()

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def span_row(self, one: Span) -> dict[str, Any]:
        """The stored row of a span; it must be there exactly once."""
        return self.one("spans_data", one.trace_id, one.span_id)

    def one(self, table: str, trace: bytes, of_span: bytes) -> dict[str, Any]:
        rows = self.store.query(
            f"SELECT * FROM {table} FINAL WHERE trace_id = {{trace:String}} AND span_id = {{span:String}}",
            {"trace": trace.hex(), "span": of_span.hex()},
        )
        assert len(rows) == 1
        return rows[0]

    def count(self, table: str, traces: Iterable[bytes]) -> int:
        """How many rows these traces have."""
        rows = self.store.query(
            f"SELECT count() AS n FROM {table} FINAL WHERE has({{ids:Array(String)}}, trace_id)",
            {"ids": [trace.hex() for trace in traces]},
        )
        return int(rows[0]["n"])


class _Running:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def __aenter__(self) -> None:
        await self._service.started()

    async def __aexit__(self, *_: object) -> None:
        await self._service.stopped()
