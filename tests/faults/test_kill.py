"""`kill -9` of the service at random moments under load, again and again over one store that grows.

EVALSPAN_TEST_KILLS is how often; `make soak` does it 50 times. A line for each round is printed.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from collector.load import Load, settle
from support.service import ServiceProcess

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("EVALSPAN_TEST_KILLS", "3"))
FIRST = 0.3  # seconds: some of the kills come before the first request of a start is answered
LAST = 2.5


def test_what_was_acknowledged_before_any_of_many_kills_is_there_once(tmp_path: Path) -> None:
    chance = random.Random(11)
    with ServiceProcess(tmp_path / "s", f"chdb://{tmp_path / 'store'}") as service:
        service.start()
        load = Load(service.endpoint, 4, grpc_target=f"127.0.0.1:{service.grpc_port}", pause=0.01)
        with load:
            for kill in range(KILLS):
                time.sleep(chance.uniform(FIRST, LAST))
                service.kill()
                began = time.monotonic()
                service.start()
                started = time.monotonic() - began
                check(service, load, f"kill {kill + 1}: answers after {started:.1f} s")
        assert load.broken == []
        assert load.refused[0] > 0
        check(service, load, "at rest")


def check(service: ServiceProcess, load: Load, when: str) -> None:
    """Nothing that was acknowledged until now is missing or doubled."""
    for kind, account in settle(service, load).items():
        print(f"{when}, {kind}: {account}")
        assert (account.lost, account.doubled, account.unknown) == (0, 0, 0)
