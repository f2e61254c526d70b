"""The whole service over one embedded store, for a module: one process has one such store at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from evalspan.api.app import create_app
from evalspan.ingest import Ingest
from evalspan.settings import Settings
from evalspan.store import Store


@dataclass(frozen=True)
class Served:
    """`client` raises what the service did not foresee, instead of showing a 500."""

    client: TestClient
    store: Store
    ingest: Ingest

    def rows(self, table: str, traces: list[bytes]) -> list[dict[str, Any]]:
        """The stored rows of some traces."""
        return self.store.query(
            f"SELECT * FROM {table} FINAL WHERE has({{ids:Array(String)}}, trace_id)",
            {"ids": [trace.hex() for trace in traces]},
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    address = f"chdb://{tmp_path_factory.mktemp('fuzz') / 'store'}"
    settings = Settings(store=address, grpc_port=-1, commit_linger=0, retention_interval=0)
    with Store(address) as store:
        app = create_app(store, settings)
        with TestClient(app) as client:
            yield Served(client, store, app.state.ingest)
