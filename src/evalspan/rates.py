"""How often a key may ask: a bucket of tokens for each, filled at the rate of the setting.

A bucket holds what two seconds bring, so that requests may come in bursts. Without keys all senders share
one bucket.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Final

from evalspan.errors import RateError

_BURST: Final = 2.0  # seconds


class Rates:
    """Thread-safe. Holds a pair of numbers for each key that was seen: keys are few, and known."""

    def __init__(self, limit: float) -> None:
        """`limit`: requests a second of one key; 0 is any number."""
        self._limit = limit
        self._room = max(1.0, limit * _BURST)
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted
        self._mutex = threading.Lock()

    def count(self, key: str) -> None:
        """One more request of a key.

        Raises:
            RateError: it is one too many; nothing is taken from the bucket.
        """
        if not self._limit:
            return
        now = time.monotonic()
        with self._mutex:
            tokens, counted = self._buckets.get(key, (self._room, now))
            tokens = min(self._room, tokens + (now - counted) * self._limit)
            enough = tokens >= 1
            self._buckets[key] = (tokens - enough, now)
        if not enough:
            raise RateError(
                f"This API key asks more than {self._limit:g} times a second (EVALSPAN_RATE_LIMIT). "
                "Ask again later, or send more in one request.",
                max(1, math.ceil((1 - tokens) / self._limit)),
            )
