"""One service and one Collector before it, for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.collector import Collector
from support.service import ServiceProcess


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("service")
    with ServiceProcess(folder, f"chdb://{folder / 'store'}") as running:
        yield running.start()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory, service: ServiceProcess) -> Iterator[Collector]:
    folder: Path = tmp_path_factory.mktemp("collector")
    with Collector(folder, service.endpoint) as running:
        yield running.start()
