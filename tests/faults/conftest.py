"""An embedded store with rows in four parts, and services over copies of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan.store import Store
from support.rows import add, case, score
from support.service import ServiceProcess

PARTS = 4
ROWS = 100
"""In each part."""


@pytest.fixture(scope="session")
def whole_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PARTS x ROWS cases, a score for each; not to be opened, only copied."""
    folder = tmp_path_factory.mktemp("whole") / "store"
    with Store(f"chdb://{folder}") as store:
        store.command("SYSTEM STOP MERGES")
        for part in range(PARTS):
            names = [f"{part}-{number}" for number in range(ROWS)]
            add(store, *(case(name, trace=name) for name in names))
            add(store, *(score("judge", 0.5, name, trace=name) for name in names))
    return folder


@pytest.fixture
def service(whole_store: Path, tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service that is not started yet, over a copy of that store in `store`."""
    shutil.copytree(whole_store, tmp_path / "store", symlinks=True)
    with ServiceProcess(tmp_path / "service", f"chdb://{tmp_path / 'store'}") as process:
        yield process
