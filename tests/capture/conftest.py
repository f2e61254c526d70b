"""The capture on a tracer provider of the test's own, and the calls to try it with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, context

from capture.provider import Provider
from capture.recorded import Recorded as Recorded
from evalspan import attributes as a
from evalspan import capture

ASKED: list[dict[str, Any]] = [{"role": "user", "content": "What is the capital of Peru?"}]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("OTEL_", "EVALSPAN_", "OPENAI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """What the installed capture records."""
    recorded = Recorded()
    capture.install(recorded.provider, logger_provider=recorded.logger_provider)
    yield recorded
    capture.uninstall()
    recorded.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def in_experiment() -> Iterator[None]:
    """The code of the test runs as a task of an experiment does."""
    token = context.attach(baggage.set_baggage(a.EXPERIMENT_ID, "e-1"))
    yield
    context.detach(token)
