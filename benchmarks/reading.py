"""What a question to the store takes, and what it reads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from evalspan.store import Store

_READ = """
SELECT sumIf(value, event = 'SelectedRows') AS rows, sumIf(value, event = 'SelectedBytes') AS bytes
FROM system.events
"""


@dataclass(frozen=True)
class Taken:
    """Medians over the rounds. CPU is that of this process, the embedded engine's threads included: on a
    busy machine it is the steadier figure."""

    seconds: float
    cpu: float
    rows: int
    bytes: int


def taken(store: Store, rounds: int, call: Callable[[], object]) -> Taken:
    """Ask once to warm up, then `rounds` times."""
    call()
    wall, cpu = zip(*(seconds(call) for _ in range(rounds)), strict=True)
    before = store.query(_READ)[0]
    call()
    after = store.query(_READ)[0]
    rows, size = (int(after[name]) - int(before[name]) for name in ("rows", "bytes"))
    return Taken(statistics.median(wall), statistics.median(cpu), rows, size)


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    start, used = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - used
