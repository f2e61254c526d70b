"""The versions of a dataset, and the records of one in the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from evalspan.experiments.changes import StoredRecord
from evalspan.experiments.entity import Moment
from evalspan.experiments.records import stored
from evalspan.store import Store, sql


class Version(BaseModel):
    """One version, and what it changed against the one before."""

    version: int
    created_at: Moment
    added: int
    modified: int
    deleted: int
    total: int
    """How many records it holds."""


def versions(store: Store, dataset_id: str) -> list[Version]:
    """All of them, the newest first."""
    rows = store.query(sql("queries/dataset_versions"), {"dataset_id": dataset_id})
    return [Version(**row) for row in rows]


def records_by_id(
    store: Store, dataset_id: str, version: int, *, before: str = "", offset: int = 0, limit: int
) -> list[StoredRecord]:
    """Records of a version in the descending order of their ids, those below `before` only."""
    parameters = {
        "dataset_id": dataset_id,
        "version": version,
        "before": before,
        "offset": offset,
        "limit": limit,
    }
    return [stored(dataset_id, row) for row in store.query(sql("queries/records_by_id"), parameters)]


def datasets_of(store: Store, record_ids: Sequence[str]) -> dict[str, list[str]]:
    """Record id -> the datasets that hold it or once did; those that never were are left out."""
    found: dict[str, list[str]] = {}
    for row in store.query(sql("queries/datasets_of_records"), {"ids": list(record_ids)}):
        found.setdefault(row["record_id"], []).append(row["dataset_id"])
    return found
