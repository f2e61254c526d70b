"""A real OTLP/HTTP receiver whose faults a test decides: it keeps what it accepts, and counts."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Answer:
    """What to answer; only a 200 without `rejected` keeps everything."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    rejected: int = 0
    message: str = ""
    delay: float = 0.0


@dataclass(frozen=True)
class Request:
    number: int
    path: str
    size: int
    headers: Mapping[str, str]


class Collector:
    """`with Collector(script) as collector: ... collector.url, collector.spans`."""

    def __init__(self, script: Callable[[Request], Answer] | None = None, port: int = 0) -> None:
        self.script = script or (lambda _request: Answer())
        self.requests: list[Request] = []
        self.spans: list[Any] = []
        self.logs: list[Any] = []
        self.resources: list[Any] = []
        self.connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Gone as after a kill: open connections break too."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def take(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, bytes]:
        with self._lock:
            request = Request(len(self.requests) + 1, path, len(body), headers)
            self.requests.append(request)
        answer = self.script(request)
        time.sleep(answer.delay)
        traces = path == "/v1/traces"
        response = ExportTraceServiceResponse() if traces else ExportLogsServiceResponse()
        if answer.status == 200:
            self._keep(traces, body, answer.rejected)
            if answer.rejected or answer.message:
                setattr(
                    response.partial_success,
                    "rejected_spans" if traces else "rejected_log_records",
                    answer.rejected,
                )
                response.partial_success.error_message = answer.message
        return answer, response.SerializeToString()

    def _keep(self, traces: bool, body: bytes, rejected: int) -> None:
        with self._lock:
            if traces:
                parsed = ExportTraceServiceRequest.FromString(body)
                self.resources += [part.resource for part in parsed.resource_spans]
                spans = [s for r in parsed.resource_spans for scope in r.scope_spans for s in scope.spans]
                self.spans += spans[rejected:]
            else:
                logs = ExportLogsServiceRequest.FromString(body)
                self.logs += [e for r in logs.resource_logs for s in r.scope_logs for e in s.log_records]

    def times_each_span_came(self) -> Counter[int]:
        """How many spans came once, twice, ..."""
        return Counter(Counter(span.span_id for span in self.spans).values())

    def names(self) -> list[str]:
        return sorted(span.name for span in self.spans)


def attributes_of(item: Any) -> dict[str, Any]:
    """OTLP attributes as Python values."""
    return {entry.key: _value(entry.value) for entry in item.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of these tests."""


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            collector.connections.append(self.connection)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            answer, content = collector.take(self.path, body, headers)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    return Handler
