"""A service on an embedded store. One for each module: tests tell their rows apart by trace id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from evalspan.store import Store
from ingest.build import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The OTLP faces on loopback."""
    with Store(f"chdb://{tmp_path_factory.mktemp('store')}") as store, Service(store) as running:
        yield running


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client of the service."""
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as opened:
        yield opened
