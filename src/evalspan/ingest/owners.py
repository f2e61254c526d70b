"""Which project an experiment belongs to.

As its row says. One that has no row yet belongs to the project whose key names it first: spans arrive
before the case that introduces their experiment, so without a claim two projects could both begin to
write into one.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterable
from typing import Final

from evalspan.store import Store, sql

_FRESH: Final = 5.0
_LIMIT: Final = 10_000
_KIND: Final = "experiment_project"


class Owners:
    """Thread-safe, and safe between processes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutex = threading.Lock()
        self._known: dict[tuple[str, str], float] = {}  # (project, its experiment) -> when that was seen

    def foreign(self, project: str, experiment_ids: Iterable[str]) -> set[str]:
        """Those of the experiments that are not of the project. New ones become its own."""
        now = time.monotonic()
        with self._mutex:
            unsure = {
                each for each in experiment_ids if now - self._known.get((project, each), -_FRESH) >= _FRESH
            }
        if not unsure:
            return set()
        stored = self._store.query(sql("queries/experiment_owners"), {"ids": sorted(unsure)})
        owners = {str(row["experiment_id"]): str(row["project"]) for row in stored}
        for each in unsure - owners.keys():
            owners[each] = self._claim(each, project)
        with self._mutex:
            if len(self._known) + len(owners) > _LIMIT:
                self._known.clear()
            self._known.update({(project, each): now for each, owner in owners.items() if owner == project})
        return {each for each, owner in owners.items() if owner != project}

    def _claim(self, experiment_id: str, project: str) -> str:
        key = {"kind": _KIND, "subject": experiment_id, "number": 0}
        token = hashlib.sha256(json.dumps([_KIND, experiment_id, 0]).encode()).hexdigest()
        self._store.command(sql("queries/claim"), {**key, "owner": project, "version": 0, "token": token})
        return str(self._store.query(sql("queries/claimant"), key)[0]["owner"])
