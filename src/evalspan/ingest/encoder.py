"""Decoded rows as blocks that only have to be inserted: made beside the insert of earlier ones, since a
commit that first encodes its rows keeps the store waiting (11,000 instead of 14,000 spans a second).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final

from evalspan.ingest import evaluations, logs, metrics, spans
from evalspan.ingest.batch import Batch, columns
from evalspan.settings import MIB
from evalspan.store import Store, sql

# Spans go in before the scores that judge them.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    spans.TABLE: spans.COLUMNS,
    evaluations.TABLE: evaluations.COLUMNS,
    logs.TABLE: logs.COLUMNS,
    metrics.TABLE: metrics.COLUMNS,
}

GROWTH: Final = 40
"""How many times the size of a request its rows may take (`memory.cap` counts on it)."""
_LIMIT: Final = 64 * MIB  # what a small request may take all the same


class Encoder:
    """Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutex = threading.Lock()
        self._last_stamp: int | None = None

    def encode(self, batch: Batch, size: int) -> None:
        """Turn the rows of a batch, which came in `size` bytes, into blocks.

        Raises:
            StoreUnavailable: the store could not be asked for its newest stamp and its types.
            StoreError: a value does not fit its column. TooLargeError: a block is out of all proportion.
        """
        if not batch.rows:
            return
        stamp = self._stamp()
        limit = max(_LIMIT, GROWTH * size)
        for table, rows in batch.rows.items():
            batch.blocks[table] = self._store.encode(table, columns(COLUMNS[table], rows, stamp), limit)
        batch.rows.clear()

    def _stamp(self) -> int:
        """The time of these rows, above every stamp in the store: of two sendings the later one wins,
        whatever the clock does meanwhile and while the service is down."""
        with self._mutex:
            if self._last_stamp is None:
                self._last_stamp = int(self._store.query(sql("queries/newest_stamp"))[0]["newest"])
            self._last_stamp = max(self._last_stamp + 1, time.time_ns() // 1000)
            return self._last_stamp
