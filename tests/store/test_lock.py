"""An embedded store has one holder, and everybody else is told which."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan.errors import StoreLocked
from evalspan.store import Store, holder

HOLD = """
import sys
from evalspan.store import Store
store = Store(sys.argv[1])
store.announce("http://127.0.0.1:4318")
store.command("CREATE TABLE held (a Int8) ENGINE = MergeTree ORDER BY a")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the store in tmp_path."""
    command = [sys.executable, "-c", HOLD, f"chdb://{tmp_path}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_store_that_another_process_holds_is_refused_and_the_holder_named(
    other: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(StoreLocked, match=rf"process id {other.pid}\. Reach it at http://127.0.0.1:4318"):
        Store(f"chdb://{tmp_path}")


def test_the_holders_endpoint_can_be_read(other: subprocess.Popen[str], tmp_path: Path) -> None:
    found = holder(tmp_path)
    assert found is not None
    assert (found.pid, found.endpoint) == (other.pid, "http://127.0.0.1:4318")


def test_a_killed_holder_leaves_no_lock_and_what_it_had_written(
    other: subprocess.Popen[str], tmp_path: Path
) -> None:
    other.kill()
    other.wait()
    assert holder(tmp_path) is None
    with Store(f"chdb://{tmp_path}") as store:
        assert store.query("EXISTS TABLE held") == [{"result": 1}]


def test_a_second_store_in_one_process_is_refused_too(embedded_store: Store) -> None:
    with pytest.raises(StoreLocked, match="one holder"):
        Store(str(embedded_store.dsn))


def test_a_closed_store_can_be_opened_again(embedded_store: Store) -> None:
    embedded_store.close()
    embedded_store.close()
    assert holder(embedded_store.dsn.path or Path()) is None
    with Store(str(embedded_store.dsn)) as again:
        again.ping()


def test_nobody_holds_a_folder_without_a_store(tmp_path: Path) -> None:
    assert holder(tmp_path / "absent") is None
