"""What an operator can mend is told as "try again": a client drops what is refused otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspan.errors import StoreError, StoreUnavailable, UsageError
from evalspan.store import Store
from support.clickhouse_server import ClickHouseServer
from support.rows import add, case


def test_a_table_that_is_gone_is_trouble_that_passes(store: Store) -> None:
    store.command("DROP TABLE spans_data")
    with pytest.raises(StoreUnavailable, match="spans_data"):
        add(store, case("r1"))
    with pytest.raises(UsageError):
        list(store.read("SELECT count() FROM spans_data"))


def test_rows_that_do_not_fit_are_not(store: Store) -> None:
    with pytest.raises(StoreError) as refused:
        store.command("INSERT INTO spans_data (span_type) SELECT throwIf(1)")
    assert not isinstance(refused.value, StoreUnavailable)


def test_a_password_that_changed_is_trouble_that_passes(clickhouse_server: ClickHouseServer) -> None:
    address = clickhouse_server.address("test_password").replace("//", "//default:wrong@")
    with pytest.raises(StoreUnavailable, match="Authentication failed"):
        Store(address)


def test_a_disk_that_refuses_is_trouble_that_passes(embedded_store: Store, tmp_path: Path) -> None:
    """A file where the table wants a folder: what the operating system refuses, under any code."""
    add(embedded_store, case("r1"))
    [row] = embedded_store.query("SELECT data_paths[1] AS path FROM system.tables WHERE name = 'spans_data'")
    folder = Path(row["path"])
    folder.rename(folder.with_name("moved"))
    folder.write_text("")
    with pytest.raises(StoreUnavailable):
        add(embedded_store, case("r2"))
    folder.unlink()
    folder.with_name("moved").rename(folder)
    add(embedded_store, case("r2"))
    assert embedded_store.query("SELECT count() AS n FROM spans_data") == [{"n": 2}]
