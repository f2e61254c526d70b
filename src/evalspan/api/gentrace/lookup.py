"""Test cases by id, for the many small requests of one run: a span says which one it executed, and
nothing of what was expected."""

from __future__ import annotations

import threading
import time
from typing import Final

from evalspan.experiments import homes
from evalspan.experiments.homes import HomedRecord
from evalspan.store import Store

_FRESH: Final = 5.0
_LIMIT: Final = 1000


class TestCases:
    """Remembers a test case for some seconds. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutex = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, HomedRecord]] = {}

    def of(self, test_case_id: str, project_id: str) -> HomedRecord | None:
        """The test case of an id, also one that was removed since. None where there is none, and where
        several have that id and not just one of them is of the project: which is meant nobody knows."""
        key = project_id, test_case_id
        with self._mutex:
            known = self._known.get(key)
        if known and time.monotonic() - known[0] < _FRESH:
            return known[1]
        found = homes.find(self._store, [test_case_id])
        chosen = [each for each in found if each.project_id == project_id] or found
        if len(chosen) != 1:
            return None
        with self._mutex:
            if len(self._known) >= _LIMIT:
                self._known.clear()
            self._known[key] = (time.monotonic(), chosen[0])
        return chosen[0]
