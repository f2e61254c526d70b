"""The most memory that a service may take by its settings: what to size a machine or a container by.

Three things grow with load, and each has a setting: what was sent and is not committed yet, what was
learnt of the shapes of spans, and what the embedded engine takes. A ClickHouse server is not counted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from evalspan.settings import MIB, Settings

_RESTING: Final = 512 * MIB  # 230 MiB were measured with a server, 330 with the embedded engine
# A body as rows, for a byte of it: 4.4 for LLM spans with messages of 1.5 KB, 25 for spans of a hundred
# numbers, 37 for spans with an id and a time and nothing else.
_DECODED: Final = 40
_QUERY: Final = 8 * MIB  # of a result that is on its way, in this process
_ENGINE_SHARE: Final = 0.9  # of the machine's memory: what ClickHouse allows itself where nothing is said
PLANS: Final = 64 * MIB


@dataclass(frozen=True)
class Cap:
    """Bytes, by what takes them."""

    resting: int
    bodies: int
    plans: int
    queries: int
    engine: int

    @property
    def total(self) -> int:
        return self.resting + self.bodies + self.plans + self.queries + self.engine

    def __str__(self) -> str:
        parts = {
            "at rest": self.resting, "what waits for the store": self.bodies, "shapes of spans": self.plans,
            "results of queries": self.queries, "the engine": self.engine,
        }  # fmt: skip
        told = ", ".join(f"{name} {size / MIB:,.0f}" for name, size in parts.items() if size)
        return f"{self.total / MIB:,.0f} MiB ({told})"


def cap(settings: Settings) -> Cap:
    """The most that a service with these settings holds. Not in it: what open connections take, and
    messages of gRPC that are still arriving."""
    embedded = settings.store.startswith("chdb://")
    return Cap(
        resting=_RESTING,
        # One body that is larger than all that may wait is taken where it is alone.
        bodies=_DECODED * max(settings.max_pending_bytes, settings.max_body_bytes),
        plans=PLANS,
        queries=_QUERY * settings.query_concurrency,
        engine=(settings.store_max_memory or int(_ENGINE_SHARE * _machine())) if embedded else 0,
    )


def _machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
