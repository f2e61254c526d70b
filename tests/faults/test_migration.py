"""An upgrade that is killed at any of its statements is completed by the next start."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import evalspan.store.schema as schemas
from evalspan.store import Store
from evalspan.store.schema import Schema
from faults.conftest import PARTS, ROWS

# A Schema whose commands end the process right after, or instead of, the one of that number.
UPGRADE = """
import os, pathlib, signal, sys
from evalspan.store import Store
from evalspan.store.schema import Schema

class Dying(Schema):
    def on(self, cluster, database):
        return self

    def apply(self, command, query, location):
        number = 0
        def run(statement):
            nonlocal number
            number += 1
            if number == int(sys.argv[3]):
                if sys.argv[4] == "after":
                    command(statement)
                os.kill(os.getpid(), signal.SIGKILL)
            command(statement)
        super().apply(run, query, location)

Store(sys.argv[1], schema=Dying(pathlib.Path(sys.argv[2])))
"""
MIGRATIONS = {
    "2_tenant": "ALTER TABLE spans_data ADD COLUMN IF NOT EXISTS tenant String DEFAULT 'first'",
    "3_written": "ALTER TABLE spans_data UPDATE tenant = 'second' WHERE 1 SETTINGS mutations_sync = 2",
    "4_project": "INSERT INTO projects_data (project_id, revision) SELECT 'migrated', 1",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The product's SQL files with three migrations added."""
    folder = Path(shutil.copytree(Path(schemas.__file__).parent / "sql", tmp_path / "sql"))
    (folder / "migrations").mkdir()
    for name, statement in MIGRATIONS.items():
        (folder / "migrations" / f"{name}.sql").write_text(statement, encoding="utf-8")
    return folder


def test_an_upgrade_that_is_killed_again_and_again_is_completed_by_the_next_start(
    whole_store: Path, root: Path, tmp_path: Path
) -> None:
    address = f"chdb://{shutil.copytree(whole_store, tmp_path / 'store', symlinks=True)}"
    tables = len([name for name in Schema(root).objects if name.startswith("tables/")]) + 1
    # Each start goes as far as the one before, and then a statement of the upgrade further.
    for number, when in ((2, "before"), (tables + 1, "after"), (tables + 3, "before"), (tables + 3, "after")):
        command = [sys.executable, "-c", UPGRADE, address, str(root), str(number), when]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
    with Store(address, schema=Schema(root)) as store:
        assert store.query("SELECT max(version) AS version FROM schema_versions") == [{"version": 4}]
        tenants = store.query("SELECT tenant, count() AS n FROM spans_data GROUP BY tenant")
        assert tenants == [{"tenant": "second", "n": PARTS * ROWS}]
        assert store.query("SELECT project_id FROM projects_data FINAL") == [{"project_id": "migrated"}]
        assert store.query("SELECT count() AS n FROM experiment_results") == [{"n": PARTS * ROWS}]
