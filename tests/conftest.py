"""Fixtures that every folder of tests shares: real stores on both engines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from evalspan.store import Store
from support.clickhouse_cluster import NAME, ClickHouseCluster
from support.clickhouse_server import ClickHouseServer

# Time limits fail on a busy machine, and say nothing about the code.
settings.register_profile("evalspan", deadline=None)
settings.load_profile("evalspan")

pytest_plugins = ["support.command"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A ClickHouse server on loopback, for the whole session; leave it running."""
    server = ClickHouseServer(tmp_path_factory.mktemp("clickhouse"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server_address(clickhouse_server: ClickHouseServer) -> Iterator[str]:
    """The address of a database of the test's own, which need not exist yet."""
    database = f"test_{next(_numbers)}"
    yield clickhouse_server.address(database)
    clickhouse_server.drop(database)


@pytest.fixture
def embedded_store(tmp_path: Path) -> Iterator[Store]:
    """A fresh store of the embedded engine."""
    with Store(f"chdb://{tmp_path / 'store'}") as store:
        yield store


@pytest.fixture(scope="session")
def clickhouse_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseCluster]:
    """Two shards on loopback, for the whole session; leave them running."""
    cluster = ClickHouseCluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster_address(clickhouse_cluster: ClickHouseCluster) -> Iterator[str]:
    """The address of a database on two shards, the schema in place; open it with cluster=NAME."""
    database = f"test_{next(_numbers)}"
    yield clickhouse_cluster.create(database)
    clickhouse_cluster.drop(database)


@pytest.fixture(params=["embedded", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A fresh store, once on each engine. A test that asks for "cluster" gets two shards."""
    on_cluster = request.param == "cluster"
    if request.param == "embedded":
        address = f"chdb://{tmp_path / 'store'}"
    else:
        address = str(request.getfixturevalue("cluster_address" if on_cluster else "server_address"))
    with Store(address, cluster=NAME if on_cluster else "") as opened:
        yield opened
