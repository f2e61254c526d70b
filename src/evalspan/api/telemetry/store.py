"""The size of the store, for who collects metrics.

ClickHouse is asked in a thread of its own, at most once in fifteen seconds, and a scrape waits for it
a second at most: when the store hangs, the other metrics are what everybody wants to see.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from evalspan.errors import EvalspanError
from evalspan.store import Store, damaged_parts, sql

logger = logging.getLogger("evalspan.telemetry")

_FRESH: Final = 15.0
_PATIENCE: Final = 1.0
_STALE: Final = 60.0  # older figures are not shown: a flat line would pass for a healthy store

Row = dict[str, Any]


class StoreWatch:
    """The last figures of a store, and how old they are."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables: list[Row] = []
        self._disks: list[Row] = []
        self._damaged: dict[str, int] = {}
        self._asked = self._answered = float("-inf")
        self._done = threading.Event()
        self._done.set()

    def observe(self, meter: Meter) -> None:
        """Let the meter see the figures."""
        for name, column, unit, what in (
            ("evalspan.store.parts", "parts", "{part}", "Active parts by table."),
            (
                "evalspan.store.rows",
                "total_rows",
                "{row}",
                "Rows by table, superseded ones too.",
            ),
            ("evalspan.store.size", "bytes", "By", "Bytes on disk by table."),
        ):
            meter.create_observable_up_down_counter(name, [self._by_table(column)], unit, what)
        meter.create_observable_up_down_counter(
            "evalspan.store.damaged_parts",
            [self._lost],
            "{part}",
            "Parts by table that ClickHouse could not read and set aside: their rows are lost.",
        )
        meter.create_observable_gauge(
            "evalspan.store.disk.available",
            [self._available],
            "By",
            "Free space of the disk that has least of it.",
        )

    def _by_table(self, column: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def points(_options: CallbackOptions) -> Iterable[Observation]:
            self._refresh()
            return [Observation(int(row[column]), {"table": str(row["name"])}) for row in self._shown()]

        return points

    def _available(self, _options: CallbackOptions) -> Iterable[Observation]:
        self._refresh()
        return [Observation(int(row["available"])) for row in self._disks if self._shown()]

    def _lost(self, _options: CallbackOptions) -> Iterable[Observation]:
        """Every table is shown, 0 where all is well."""
        self._refresh()
        tables = {str(row["name"]): 0 for row in self._shown()}
        return [Observation(n, {"table": name}) for name, n in (tables | self._damaged).items() if tables]

    def _shown(self) -> list[Row]:
        return self._tables if time.monotonic() - self._answered < _STALE else []

    def _refresh(self) -> None:
        if time.monotonic() - self._asked >= _FRESH and self._done.is_set():
            self._asked = time.monotonic()
            self._done.clear()
            threading.Thread(target=self._ask, name="evalspan-store-watch", daemon=True).start()
            self._done.wait(_PATIENCE)

    def _ask(self) -> None:
        try:
            self._tables = self._store.query(sql("queries/store_size"))
            self._disks = self._store.query(sql("queries/store_disk"))
            self._damaged = dict(damaged_parts(self._store))
            self._answered = time.monotonic()
        except EvalspanError as error:
            logger.debug("The store does not tell its size: %s", error)
        finally:
            self._done.set()
