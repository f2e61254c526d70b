"""How many bytes of telemetry may be in memory and not yet in the store."""

from __future__ import annotations

import threading

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
