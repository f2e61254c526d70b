"""A row for each experiment that nobody announced.

The views take from that row what an experiment is called, so it is written before the cases and scores
that name it. It has revision 0: whatever the API says wins over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evalspan.ingest.batch import Row
from evalspan.store import Store, sql

TABLE: Final = "experiments_data"
COLUMNS: Final = (
    "experiment_id", "dataset_id", "dataset_version", "project", "dataset", "experiment", "experiment_name",
    "metadata", "metadata_map", "created_at", "updated_at", "revision",
)  # fmt: skip
_NAME: Final = COLUMNS.index("experiment")
_LIMIT: Final = 100_000


def nameless(experiment_id: str, project: str, moment: int) -> Row:
    """The row of an experiment of which only scores are known so far; `moment` in microseconds."""
    return (experiment_id, "", None, project, "", "", "", "{}", {}, moment, moment, 0)


class Introductions:
    """Remembers which experiments have a row, and whether it has a name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._named: dict[str, bool] = {}

    def write(self, rows: Mapping[str, Row]) -> None:
        """Write the rows, by experiment id, that say something new."""
        new = {key: row for key, row in rows.items() if self._is_news(key, row)}
        if not new:
            return
        stored = self._store.query(sql("queries/known_experiments"), {"ids": list(new)})
        self._remember({str(row["experiment_id"]): bool(row["named"]) for row in stored})
        news = [row for key, row in new.items() if self._is_news(key, row)]
        if news:
            block: dict[str, Any] = dict(zip(COLUMNS, zip(*news, strict=True), strict=True))
            self._store.insert(TABLE, block)
        self._remember({key: bool(row[_NAME]) or self._named.get(key, False) for key, row in new.items()})

    def _is_news(self, experiment_id: str, row: Row) -> bool:
        named = self._named.get(experiment_id)
        return named is None or (not named and bool(row[_NAME]))

    def _remember(self, named: Mapping[str, bool]) -> None:
        if len(self._named) + len(named) > _LIMIT:
            self._named.clear()
        self._named.update(named)
