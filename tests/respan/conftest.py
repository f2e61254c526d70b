"""A service per module, and a client for its Respan face."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("respan") / "store"
    with Service(Settings(store=f"chdb://{store}", http_port=0, grpc_port=0)) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.endpoint}/respan/api", timeout=30) as opened:
        yield opened


@pytest.fixture
def dataset_id(client: httpx.Client) -> str:
    """An empty dataset of the test's own."""
    made = client.post("/datasets/", json={"name": "rows", "is_empty": True})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])
