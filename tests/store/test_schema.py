"""Migrations can run again, survive a kill, are applied once, and refuse a newer store."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import evalspan.store.schema as schemas
from evalspan.errors import StoreError, StoreTooNew
from evalspan.store import Store, columns, sql
from evalspan.store.schema import SCHEMA, Schema
from support.clickhouse_server import ClickHouseServer
from support.rows import add, case, llm, score

OPEN = "import sys; from evalspan.store import Store; print('go', flush=True); Store(sys.argv[1]).close()"
TABLES = "SELECT name, sorting_key FROM system.tables WHERE database = currentDatabase() ORDER BY name"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the product's SQL files, to be changed."""
    return Path(shutil.copytree(Path(schemas.__file__).parent / "sql", tmp_path / "sql"))


def test_opening_a_store_again_changes_nothing(store: Store) -> None:
    add(store, case("r1"))
    before = (store.query(TABLES), store.query("SELECT count() AS n FROM schema_versions"))
    address = str(store.dsn)
    store.close()
    with Store(address) as again:
        assert (again.query(TABLES), again.query("SELECT count() AS n FROM schema_versions")) == before
        assert again.query("SELECT count() AS n FROM experiment_results") == [{"n": 1}]


def test_every_statement_of_the_schema_can_run_again(store: Store) -> None:
    add(store, case("r1"), llm("r1"), score("judge", 1.0, "r1"))
    for name in (*SCHEMA.objects, *SCHEMA.objects):
        store.command(sql(name))
    assert store.query("SELECT count() AS n FROM experiment_results") == [{"n": 1}]


def test_columns_are_those_of_the_table(store: Store) -> None:
    for name in SCHEMA.objects:
        if name.startswith("tables/"):
            table = name.removeprefix("tables/")
            assert columns(table) == tuple(row["name"] for row in store.query(f"DESCRIBE {table}"))


def test_a_store_whose_first_start_was_killed_is_whole_after_the_next(tmp_path: Path) -> None:
    chance = random.Random(7)
    for attempt in range(6):
        address = f"chdb://{tmp_path / str(attempt)}"
        command = [sys.executable, "-c", OPEN, address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.6))
            process.kill()
        with Store(address) as store:
            assert_whole(store)


def test_a_start_that_failed_at_any_statement_is_mended_by_the_next(server_address: str, root: Path) -> None:
    order = (root / "order.txt").read_text().splitlines()
    for stop in range(2, len(order), 7):
        (root / "order.txt").write_text("\n".join([*order[:stop], "views/absent"]))
        with pytest.raises(FileNotFoundError):
            Store(server_address, schema=Schema(root))
        with Store(server_address) as store:
            assert_whole(store)
            store.command(f"DROP DATABASE `{store.database}` SYNC")


def test_programs_that_start_at_once_on_one_server_all_succeed(server_address: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Store(server_address).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store(server_address) as store:
        assert_whole(store)


def test_an_older_store_gets_each_migration_exactly_once(store: Store, root: Path) -> None:
    add(store, case("r1"))
    address = str(store.dsn)
    store.close()
    migrations = root / "migrations"
    migrations.mkdir()
    (migrations / "2_tenant.sql").write_text(
        "ALTER TABLE spans_data ADD COLUMN tenant String"
    )  # fails when run twice
    (migrations / "3_default.sql").write_text("INSERT INTO projects_data (project_id) SELECT 'migrated'")
    for _ in range(3):
        with Store(address, schema=Schema(root)) as newer:
            found = newer.query("SELECT tenant, record_id FROM spans_data")
            assert found == [{"tenant": "", "record_id": "r1"}]
            assert newer.query("SELECT count() AS n FROM projects_data") == [{"n": 1}]


def test_a_fresh_store_starts_at_the_newest_version_without_migrations(
    server_address: str, root: Path
) -> None:
    (root / "migrations").mkdir()
    (root / "migrations" / "2_tenant.sql").write_text("ALTER TABLE spans_data DROP COLUMN name")
    with Store(server_address, schema=Schema(root)) as store:
        assert store.query("SELECT max(version) AS v FROM schema_versions") == [{"v": 2}]
        assert_whole(store)


def test_a_migration_that_failed_is_run_again_and_those_before_it_are_not(
    server_address: str, root: Path
) -> None:
    Store(server_address).close()
    migrations = root / "migrations"
    migrations.mkdir()
    (migrations / "2_tenant.sql").write_text("ALTER TABLE spans_data ADD COLUMN tenant String")
    (migrations / "3_wrong.sql").write_text("ALTER TABLE absent ADD COLUMN a String")
    with pytest.raises(StoreError, match="absent"):
        Store(server_address, schema=Schema(root))
    (migrations / "3_wrong.sql").write_text("ALTER TABLE logs_data ADD COLUMN tenant String")
    with Store(server_address, schema=Schema(root)) as store:
        assert store.query("SELECT count() AS n FROM logs_data WHERE tenant = ''") == [{"n": 0}]


def test_a_view_that_changed_is_replaced(store: Store, root: Path) -> None:
    address = str(store.dsn)
    store.close()
    (root / "views" / "projects.sql").write_text(
        "CREATE OR REPLACE VIEW projects AS SELECT 'changed' AS name"
    )
    with Store(address, schema=Schema(root)) as newer:
        assert newer.query("SELECT name FROM projects") == [{"name": "changed"}]


def test_a_newer_store_is_refused_and_left_alone(store: Store) -> None:
    store.command("INSERT INTO schema_versions (version, fingerprint) VALUES (99, 'x')")
    before = store.query("SELECT * FROM schema_versions ORDER BY ALL")
    address = str(store.dsn)
    store.close()
    with pytest.raises(
        StoreTooNew, match=r"schema version 99, this evalspan writes version 1\. Upgrade evalspan"
    ):
        Store(address)
    with Store(address, migrate=False) as untouched:
        assert untouched.query("SELECT * FROM schema_versions ORDER BY ALL") == before


def test_a_folder_of_the_embedded_engine_can_be_served_by_a_server(tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / 'data'}") as store:
        add(store, case("r1"))
    server = ClickHouseServer(tmp_path)
    server.start()
    try:
        with Store(server.address("evalspan")) as store:
            assert store.query("SELECT count() AS n FROM experiment_results") == [{"n": 1}]
    finally:
        server.stop()


def assert_whole(store: Store) -> None:
    """Every object is there, and the whole road works."""
    found: list[dict[str, Any]] = store.query(TABLES)
    assert {row["name"] for row in found} == {name.split("/")[1] for name in SCHEMA.objects} | {
        "schema_versions"
    }
    add(store, case("r1"), llm("r1"), score("judge", 1.0, "r1"))
    assert store.query("SELECT mean FROM experiment_summary") == [{"mean": 1.0}]
