"""A running service on free ports over a fresh embedded store, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=0)


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with Service(settings) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.endpoint, timeout=30) as opened:
        yield opened
