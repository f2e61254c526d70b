"""A clean OpenTelemetry environment for each test, and senders to receivers of the tests' own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import evalspan
from evalspan.api.server import Service
from evalspan.sdk import lifecycle
from evalspan.sdk.lifecycle import Runtime
from evalspan.settings import load
from sdk.collector import Collector


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No OTEL_ or EVALSPAN_ variable reaches a test, and no runtime outlives one."""
    for name in os.environ:
        if name.startswith(("OTEL_", "EVALSPAN_")):
            monkeypatch.delenv(name)
    yield
    evalspan.shutdown(timeout=0.0)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


Start = Callable[..., Runtime]


@pytest.fixture
def start() -> Start:
    """Starts a runtime with a tracer provider of the test's own: `start(url, max_queue_bytes=...)`."""

    def start_one(url: str, provider: TracerProvider | None = None, **settings: Any) -> Runtime:
        own = provider or TracerProvider(shutdown_on_exit=False)
        options: dict[str, Any] = {"capture": False, "exit_timeout": 0.5, **settings}
        return lifecycle.start(own, endpoint=url, **options)

    return start_one


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service on a real store. One process holds one store: it ends with the module."""
    settings = load({"store": f"chdb://{tmp_path_factory.mktemp('service')}", "http_port": 0, "grpc_port": 0})
    with Service(settings) as running:
        yield running


@pytest.fixture
def runtime(service: Service, start: Start) -> Runtime:
    """A runtime that sends to the real service."""
    return start(service.endpoint)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
