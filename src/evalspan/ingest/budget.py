"""How many bytes of telemetry may be in memory and not yet in the store.

What a request holds is its share: it grows from the first byte of the body on, with what the body becomes,
and is given back when the commit has answered, or with the request. A request is known by its context, so
that a face need not pass its share along.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from evalspan.errors import StoreUnavailable


class Overloaded(StoreUnavailable):
    """More telemetry is waiting than may wait; the same request may go through shortly."""


class Budget:
    """A number of bytes, taken and given back from any thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.refusals = 0
        self._mutex = threading.Lock()

    def take(self, size: int, held: int = 0) -> None:
        """Reserve bytes. A request that is larger than the whole budget passes when it is alone.

        Args:
            held: what the same request has reserved already.

        Raises:
            Overloaded: there is no room for them now.
        """
        with self._mutex:
            if self.used > held and self.used + size > self.limit:
                self.refusals += 1
                raise Overloaded(
                    f"{self.used} bytes of telemetry wait for the store, and {size} more would exceed "
                    f"the {self.limit} of EVALSPAN_MAX_PENDING_BYTES. Send it again in a second."
                )
            self.used += size

    def give(self, size: int) -> None:
        """Return reserved bytes."""
        with self._mutex:
            self.used -= size


class Share:
    """What one request holds of a budget. Used by one thread at a time."""

    def __init__(self, budget: Budget) -> None:
        self.size = 0
        self.budget = budget

    def take(self, size: int) -> None:
        """Hold more. Raises Overloaded where there is no room."""
        self.budget.take(size, self.size)
        self.size += size

    def cover(self, size: int) -> None:
        """Hold at least so much. Raises Overloaded where there is no room."""
        if size > self.size:
            self.take(size - self.size)

    def hand_over(self) -> int:
        """Hold nothing any more, without giving it back: that is the caller's to do now."""
        size, self.size = self.size, 0
        return size

    def give(self) -> None:
        """Return all of it; a second call returns nothing."""
        self.budget.give(self.hand_over())


_current: ContextVar[Share | None] = ContextVar("evalspan-share", default=None)


@contextmanager
def share_of_request(budget: Budget) -> Generator[Share]:
    """What a request holds; given back at the end of the block, unless it was taken over."""
    share = Share(budget)
    token = _current.set(share)
    try:
        yield share
    finally:
        _current.reset(token)
        share.give()


def taken_over(budget: Budget) -> Share:
    """What the request that runs holds of a budget, from now on the caller's to give back."""
    share = Share(budget)
    running = _current.get()
    if running is not None and running.budget is budget:
        share.size = running.hand_over()
    return share


def current() -> Share | None:
    """What the request that runs holds, None outside of any."""
    return _current.get()
