"""Processes die, disks fill and the store goes away under load: what was acknowledged is there, once.

An outage lasts EVALSPAN_TEST_OUTAGE seconds; `make soak` runs these tests with a minute. Each test
prints what was acknowledged, committed and found.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.load import Account, Load, settle
from support.clickhouse_server import ClickHouseServer
from support.collector import Collector
from support.process import wait_until
from support.service import ServiceProcess

pytestmark = pytest.mark.slow

OUTAGE = float(os.environ.get("EVALSPAN_TEST_OUTAGE", "5"))
SETTLING = 120 + 4 * OUTAGE  # for what waited, on a busy machine
FULL_SOON = {"OTELCOL_QUEUE_BYTES": "2000000"}  # about 200 executions
MIB = 2**20


def settled(service: ServiceProcess, collector: Collector, load: Load) -> dict[str, Account]:
    """The accounts, once the Collector has handed everything on; nothing was lost or doubled."""
    assert load.broken == []
    wait_until(lambda: collector.queued() == 0, SETTLING, lambda: collector.log)
    accounts = settle(service, load)
    print(
        f"\nrefused: {dict(load.refused)}",
        *(f"{kind}: {account}" for kind, account in accounts.items()),
        sep="\n",
    )
    for account in accounts.values():
        assert account.acknowledged > 0
        assert (account.lost, account.doubled, account.unknown) == (0, 0, 0)
    assert "Dropping data" not in collector.log
    return accounts


def test_the_service_and_then_the_collector_are_killed_with_a_full_queue(tmp_path: Path) -> None:
    with (
        ServiceProcess(tmp_path / "s", f"chdb://{tmp_path / 'store'}") as service,
        Collector(tmp_path / "c", service.endpoint, FULL_SOON) as collector,
    ):
        service.start()
        collector.start()
        with Load(collector.http) as load:
            time.sleep(1)
            service.kill()
            time.sleep(OUTAGE)
            wait_until(lambda: load.refused[503] > 0, 120)  # the queue is full
            waiting = collector.queued()
            collector.kill()
            time.sleep(0.5)
            collector.start()
            assert collector.queued() >= waiting * 0.9
            service.start()
            time.sleep(2)
        settled(service, collector, load)


def test_the_collector_is_killed_again_and_again(tmp_path: Path) -> None:
    with (
        ServiceProcess(tmp_path / "s", f"chdb://{tmp_path / 'store'}") as service,
        Collector(tmp_path / "c", service.endpoint) as collector,
    ):
        service.start()
        collector.start()
        with Load(collector.http) as load:
            for _ in range(int(OUTAGE)):
                time.sleep(0.7)
                collector.kill()
                collector.start()
        assert load.refused[0] > 0
        settled(service, collector, load)


def test_a_store_whose_disk_is_full_takes_up_where_it_stopped(small_disk: Path, tmp_path: Path) -> None:
    with (
        ServiceProcess(tmp_path / "s", f"chdb://{small_disk / 'store'}") as service,
        Collector(tmp_path / "c", service.endpoint) as collector,
    ):
        service.start()
        collector.start()
        with Load(collector.http) as load:
            time.sleep(1)
            with filled(small_disk):
                wait_until(lambda: "NOT_ENOUGH_SPACE" in collector.log, 60)
                time.sleep(OUTAGE)
                assert "responded with HTTP Status Code 503" in collector.log
                assert service.answers()
            time.sleep(1)
        settled(service, collector, load)


def test_a_store_whose_disk_has_no_inodes_takes_up_where_it_stopped(small_disk: Path, tmp_path: Path) -> None:
    with (
        ServiceProcess(tmp_path / "s", f"chdb://{small_disk / 'store'}") as service,
        Collector(tmp_path / "c", service.endpoint) as collector,
    ):
        service.start()
        collector.start()
        with Load(collector.http) as load:
            time.sleep(1)
            with without_inodes(small_disk):
                wait_until(lambda: "No space left on device" in collector.log, 60)
                time.sleep(OUTAGE)
                assert service.answers()
            time.sleep(1)
        settled(service, collector, load)


def test_a_store_that_is_paused_and_then_away_takes_up_where_it_stopped(tmp_path: Path) -> None:
    server = ClickHouseServer(tmp_path / "clickhouse")
    server.start()
    try:
        with (
            ServiceProcess(tmp_path / "s", server.address("faults")) as service,
            Collector(tmp_path / "c", service.endpoint) as collector,
        ):
            service.start()
            collector.start()
            with Load(collector.http) as load:
                time.sleep(1)
                server.pause()
                time.sleep(OUTAGE)
                server.resume()
                time.sleep(1)
                server.kill()
                wait_until(lambda: "responded with HTTP Status Code 503" in collector.log, 60)
                time.sleep(OUTAGE)
                server.start()
                time.sleep(1)
            settled(service, collector, load)
    finally:
        server.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600m,nr_inodes=20000", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        # Not a failure in CI: only root may mount, and no test environment has to run as root.
        pytest.skip(f"A disk that can be filled has to be mounted, which this user may not: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path) -> Generator[None]:
    """A file that takes all the room until the end."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(MIB))
        except OSError:
            pass
    yield
    filler.unlink()


@contextmanager
def without_inodes(disk: Path) -> Generator[None]:
    """Empty files until no other can be made."""
    folder = disk / "files"
    folder.mkdir()
    files: list[Path] = []
    try:
        while True:
            files.append(folder / str(len(files)))
            files[-1].touch()
    except OSError:
        files.pop()
    yield
    for file in files:
        file.unlink()
