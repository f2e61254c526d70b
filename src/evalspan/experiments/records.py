"""The records of a dataset, and its versions.

A change writes its rows first and then claims its number in the dataset's sequence of changes: that
claim is the commit. A writer that lost the number to another begins again on what the other made of
the dataset, so that no change is lost and no version has two contents; the rows it left behind
belong to no claim and are never read.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from evalspan.errors import ConflictError, NotFoundError, UsageError
from evalspan.experiments.changes import Change, Changed, Known, RecordUpdate, StoredRecord
from evalspan.experiments.claims import Claims
from evalspan.experiments.datasets import Dataset, Datasets
from evalspan.experiments.entity import MAX_PAGE, Page, decode_cursor, encode_cursor, micros, page_limit
from evalspan.model import Record
from evalspan.store import Store, sql

_ATTEMPTS = 100
_EVERYTHING = -(2**62)  # before any time
_STRIPES = 64


class Records:
    """Thread-safe, and safe between processes."""

    def __init__(self, store: Store, datasets: Datasets) -> None:
        self._store = store
        self._datasets = datasets
        self._claims = Claims(store)
        # Writers of one process take turns: without it they would only beat each other to the claim.
        self._locks = [threading.Lock() for _ in range(_STRIPES)]

    def find(
        self,
        dataset_id: str,
        *,
        version: int | None = None,
        tags: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        cursor: str = "",
        limit: int = 1000,
    ) -> Page[StoredRecord]:
        """The records of one version (None: the current one) that carry all of `tags`, newest first.

        A cursor pins what its first page was read from.

        Raises:
            NotFoundError: no such dataset.
            UsageError: the dataset has no such version, or the cursor is not one.
        """
        dataset = self._datasets.get(dataset_id)
        wanted = dataset.current_version if version is None else version
        changes, time, position, last_id = dataset.changes, _EVERYTHING, 0, ""
        if cursor:
            changes, wanted, time, position, last_id = decode_cursor(cursor, (int, int, int, int, str))
        if not 0 <= wanted <= dataset.current_version:
            raise UsageError(
                f"Dataset {dataset.name!r} has no version {wanted}; "
                f"its versions are 0 to {dataset.current_version}."
            )
        found = self._read(
            dataset_id, changes, wanted, page_limit(limit) + 1, tags, record_ids, (time, position, last_id)
        )
        last = found[limit - 1] if len(found) > limit else None
        after = (
            encode_cursor(changes, wanted, -micros(last.created_at), last.position, last.id) if last else ""
        )
        return Page(found[:limit], after)

    def all(self, dataset_id: str, record_ids: Sequence[str] = ()) -> list[StoredRecord]:
        """Every record of the current version, newest first. Raises NotFoundError."""
        found: list[StoredRecord] = []
        cursor = ""
        while True:
            page = self.find(dataset_id, record_ids=record_ids, cursor=cursor, limit=MAX_PAGE)
            found += page.items
            cursor = page.after
            if not cursor:
                return found

    def counts(self, dataset_ids: Sequence[str]) -> dict[str, int]:
        """How many records each dataset has now; those without any are left out."""
        rows = self._store.query(sql("queries/count_records"), {"ids": list(dataset_ids)})
        return {str(row["dataset_id"]): int(row["n"]) for row in rows}

    def change(
        self,
        dataset_id: str,
        *,
        insert: Iterable[Record] = (),
        update: Iterable[RecordUpdate] = (),
        delete: Iterable[str] = (),
        deduplicate: bool = True,
        new_version: bool = True,
        group: str = "",
    ) -> Changed:
        """Add, replace, update and remove records in one step.

        An insert whose id is there already replaces that record. With `deduplicate`, an insert
        under a new id is passed over when a record of the same content is there. Where nothing
        changes, the version stays; where only metadata does, it stays too.

        Args:
            new_version: without it the change joins the current version, unless an experiment ran
                on that one already.
            group: changes of one group join one version, by the same rule; sent by several writers at
                once, too.

        Raises:
            NotFoundError: no such dataset, or no such record to update or delete.
        """
        given = (list(insert), list(update), list(delete))
        with self._locks[hash(dataset_id) % _STRIPES]:
            for _ in range(_ATTEMPTS):
                changed = self._try(
                    dataset_id, *given, deduplicate=deduplicate, new_version=new_version, group=group
                )
                if changed is not None:
                    return changed
        raise ConflictError(f"Dataset {dataset_id!r} is changed by too many writers at once; try again.")

    def _try(
        self,
        dataset_id: str,
        insert: list[Record],
        update: list[RecordUpdate],
        delete: list[str],
        *,
        deduplicate: bool,
        new_version: bool,
        group: str,
    ) -> Changed | None:
        """One attempt; None when another writer came first."""
        dataset = self._datasets.get(dataset_id)
        change = Change(dataset_id, self._known(dataset))
        change.update(update, self._contents(dataset, update))
        change.delete(self._present(dataset, change, delete))
        change.insert(insert, deduplicate)
        version = self._version(dataset, change, new_version and not self._joins(dataset, group))
        if change.rows:
            identity = uuid.uuid4().hex + (f"@{group}" if group else "")
            self._store.insert("dataset_records_data", change.block(version, dataset.changes + 1, identity))
            holder = self._claims.claim(
                "dataset_change", dataset_id, dataset.changes + 1, identity, version=version
            )
            if holder != identity:
                return None
        return change.result(version)

    def _version(self, dataset: Dataset, change: Change, new_version: bool) -> int:
        current = dataset.current_version
        if not change.rows or (current and change.metadata_only):
            return current
        if new_version or not current or self._in_use(dataset):
            return current + 1
        return current

    def _joins(self, dataset: Dataset, group: str) -> bool:
        """Whether the current version was made by this group."""
        if not group or not dataset.current_version:
            return False
        parameters = {"dataset_id": dataset.dataset_id, "version": dataset.current_version, "group": group}
        return bool(self._store.query(sql("queries/version_of_group"), parameters)[0]["of_group"])

    def _in_use(self, dataset: Dataset) -> bool:
        parameters = {"dataset_id": dataset.dataset_id, "version": dataset.current_version}
        return bool(self._store.query(sql("queries/version_in_use"), parameters)[0]["in_use"])

    def _known(self, dataset: Dataset) -> dict[str, Known]:
        parameters = {"dataset_id": dataset.dataset_id, "changes": dataset.changes}
        rows = self._store.query(sql("queries/record_hashes"), parameters)
        return {
            row["record_id"]: Known(row["content_hash"], row["created_at"], row["position"]) for row in rows
        }

    def _contents(self, dataset: Dataset, updates: list[RecordUpdate]) -> dict[str, StoredRecord]:
        """The records to be updated as they stand.

        Raises:
            NotFoundError: one is not there.
        """
        ids = [update.id for update in updates]
        if not ids:
            return {}
        found = {
            record.id: record
            for record in self._read(
                dataset.dataset_id, dataset.changes, dataset.current_version, len(ids), record_ids=ids
            )
        }
        self._missing(dataset, [identity for identity in ids if identity not in found])
        return found

    def _present(self, dataset: Dataset, change: Change, delete: list[str]) -> list[str]:
        """Those of the records that are there. What was deleted before is deleted: sending twice is
        sending once. What never was is a mistake.

        Raises:
            NotFoundError: that mistake.
        """
        absent = [identity for identity in delete if identity not in change.known]
        if absent:
            parameters = {"dataset_id": dataset.dataset_id, "ids": absent}
            ever = {row["record_id"] for row in self._store.query(sql("queries/records_ever"), parameters)}
            self._missing(dataset, [identity for identity in absent if identity not in ever])
        return [identity for identity in dict.fromkeys(delete) if identity in change.known]

    @staticmethod
    def _missing(dataset: Dataset, ids: list[str]) -> None:
        if ids:
            raise NotFoundError(f"There is no record {ids[0]!r} in dataset {dataset.name!r}.")

    def _read(
        self,
        dataset_id: str,
        changes: int,
        version: int,
        limit: int,
        tags: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        after: tuple[int, int, str] = (_EVERYTHING, 0, ""),
    ) -> list[StoredRecord]:
        parameters = {
            "dataset_id": dataset_id,
            "changes": changes,
            "version": version,
            "tags": list(tags),
            "record_ids": list(record_ids),
            "after_time": after[0],
            "after_position": after[1],
            "after_id": after[2],
            "limit": limit,
        }
        rows = self._store.query(sql("queries/find_records"), parameters)
        return [stored(dataset_id, row) for row in rows]


def stored(dataset_id: str, row: dict[str, Any]) -> StoredRecord:
    """A record as a query returns it."""
    return StoredRecord(
        id=row["record_id"],
        canonical_id=row["record_id"],
        input=json.loads(row["input"]),
        expected_output=json.loads(row["expected_output"]),
        metadata=json.loads(row["metadata"]),
        tags=row["tags"],
        dataset_id=dataset_id,
        version=row["version"],
        position=row["position"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
