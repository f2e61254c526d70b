"""How hard one provider is pressed: calls at once, calls a minute, and rest where it asks for some."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Final

from evalspan.jobs.providers import Provider

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_LONGEST_REST: Final = 600.0  # of what a provider asks for; who says more is asked again after this


class Gate:
    """Of one provider, on one event loop.

    How many calls may be made at once is halved when the provider refuses one, and grows again with those
    that it takes: after a rest, all that waited would else come at once, and be refused at once.
    """

    def __init__(self, provider: Provider) -> None:
        self._most = float(provider.max_concurrency)
        self._allowed = self._most
        self._inside = 0
        self._change = asyncio.Condition()
        self._spacing = 60 / provider.requests_per_minute if provider.requests_per_minute else 0.0
        self._next = 0.0
        self._closed_until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """A place for one call, when there is room and time for it."""
        async with self._change:
            await self._change.wait_for(lambda: self._inside < int(self._allowed))
            self._inside += 1
        try:
            await self._wait()
            yield
        finally:
            async with self._change:
                self._inside -= 1
                self._change.notify_all()

    def took(self) -> None:
        """The provider answered a call."""
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)

    def refused(self, rest: float | None) -> None:
        """The provider takes no more for now; let nobody call for as long as it asked."""
        now = time.monotonic()
        if now >= self._closed_until:  # else it was said of calls that were made before
            self._allowed = max(1.0, self._allowed / 2)
        self._closed_until = max(self._closed_until, now + min(rest or 0.0, _LONGEST_REST))

    async def _wait(self) -> None:
        while True:
            now = time.monotonic()
            begin = max(self._next, self._closed_until)
            if begin <= now:
                self._next = now + self._spacing
                return
            await asyncio.sleep(begin - now)


def pause(attempt: int) -> float:
    """Seconds before the next attempt: they double, and half of each is chance."""
    whole = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
    return whole * (0.5 + random.random() / 2)


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to be left alone for; None where it asks for none."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            seconds = float(text) * unit
        except ValueError:
            continue
        return seconds if seconds > 0 else None
    try:
        seconds = parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None
