"""What the views must know of an experiment before they read its rows.

Few experiments leave it to the views to number their cases or have several cases in one trace. Marked,
they cost those that do not next to nothing: a condition on the marks reaches the sort keys.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from evalspan.store import Store

Mark = tuple[str, str]
"""(experiment, trace): its cases are numbered by start and, where there is a trace, stand inside that one."""

_KIND: Final = "cases_by_start"
_LIMIT: Final = 100_000


def of(experiment_id: str, trace_id: str, parent_span_id: str) -> Mark:
    """The mark of a case that is numbered by its start. One below another span shares its trace."""
    return experiment_id, trace_id if parent_span_id else ""


class Marks:
    """Written before the rows that need them. A mark written twice is one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: set[Mark] = set()

    def write(self, marks: Collection[Mark]) -> None:
        """When this returns, ClickHouse holds them."""
        new = sorted(set(marks) - self._known)
        if not new:
            return
        now = time.time_ns() // 1000
        block = {
            "kind": [_KIND] * len(new),
            "parent": [experiment_id for experiment_id, _ in new],
            "id": [trace_id for _, trace_id in new],
            "body": ["{}"] * len(new),
            "created_at": [now] * len(new),
            "updated_at": [now] * len(new),
        }
        self._store.insert("documents_data", block)
        if len(self._known) + len(new) > _LIMIT:
            self._known.clear()
        self._known.update(new)
