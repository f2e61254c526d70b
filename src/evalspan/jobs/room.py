"""Room for items under way, shared among experiments."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Room:
    """On one event loop.

    An experiment may always have its share inside, that of all which have or want a place, however full
    it is: items that wait for a slow provider would else keep everybody out. So there may be more inside
    than `size` for as long as those that came first have more than their share.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._inside: Counter[str] = Counter()
        self._wanting: Counter[str] = Counter()
        self._change = asyncio.Condition()

    @asynccontextmanager
    async def place(self, experiment_id: str) -> AsyncGenerator[None, None]:
        async with self._change:
            self._wanting[experiment_id] += 1
            try:
                await self._change.wait_for(lambda: self._fits(experiment_id))
                self._inside[experiment_id] += 1
            finally:
                self._wanting[experiment_id] -= 1
        try:
            yield
        finally:
            async with self._change:
                self._inside[experiment_id] -= 1
                self._change.notify_all()

    def _fits(self, experiment_id: str) -> bool:
        there = len(+self._inside | +self._wanting)
        share = max(1, self._size // max(1, there))
        return self._inside[experiment_id] < share or self._inside.total() < self._size
