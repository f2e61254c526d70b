"""One line on a terminal that says how far a run is; silence in a pipe."""

from __future__ import annotations

import sys
import time

_INTERVAL = 0.1
_WIDTH = 24


class Progress:
    """`enabled` None: only when stderr is a terminal."""

    def __init__(self, title: str, total: int, enabled: bool | None) -> None:
        self._title = title
        self._total = total
        self._enabled = sys.stderr.isatty() if enabled is None else enabled
        self._done = 0
        self._failed = 0
        self._shown = 0.0

    def step(self, *, failed: bool) -> None:
        self._done += 1
        self._failed += failed
        now = time.monotonic()
        if self._enabled and (now - self._shown > _INTERVAL or self._done == self._total):
            self._shown = now
            self._draw()

    def close(self) -> None:
        if self._enabled and self._shown:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _draw(self) -> None:
        filled = _WIDTH * self._done // max(self._total, 1)
        failed = f", {self._failed} failed" if self._failed else ""
        bar = "#" * filled + "." * (_WIDTH - filled)
        sys.stderr.write(f"\r{self._title} [{bar}] {self._done}/{self._total}{failed}\x1b[K")
        sys.stderr.flush()
