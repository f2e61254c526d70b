"""What the process itself takes, by OpenTelemetry's process conventions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation

_STATM: Final = "/proc/self/statm"


def observe(meter: Meter, memory_cap: int) -> None:
    """Let the meter see memory, what that may be at most, processor time and age of this process."""
    began = time.monotonic()
    meter.create_observable_up_down_counter(
        "process.memory.usage", [_memory], "By", "Resident memory, the embedded engine's included."
    )
    meter.create_observable_up_down_counter(
        "evalspan.memory.limit",
        [lambda _options: [Observation(memory_cap)]],
        "By",
        "The most memory that the service may take by its settings.",
    )
    meter.create_observable_counter("process.cpu.time", [_cpu], "s", "Processor time used.")
    meter.create_observable_gauge(
        "process.uptime",
        [lambda _options: [Observation(time.monotonic() - began)]],
        "s",
        "Time since the service started.",
    )


def resident_bytes() -> int | None:
    """Resident memory, None where the system does not tell (it is Linux that does)."""
    try:
        with open(_STATM, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _memory(_options: CallbackOptions) -> Iterable[Observation]:
    found = resident_bytes()
    return [] if found is None else [Observation(found)]


def _cpu(_options: CallbackOptions) -> Iterable[Observation]:
    times = os.times()
    return [Observation(times.user, {"cpu.mode": "user"}), Observation(times.system, {"cpu.mode": "system"})]
