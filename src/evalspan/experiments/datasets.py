"""Datasets and their versions.

A version is written in two steps: the record rows that carry its number, then the dataset row that
makes it current. Readers go by the dataset row, so a half-written version is never seen.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments.entity import (
    Moment,
    Page,
    before_cursor,
    decode_cursor,
    encode_cursor,
    micros,
    named_id,
    next_revision,
    now,
    page_limit,
    single_row,
)
from evalspan.model import Record, dump
from evalspan.store import Store, sql


class Dataset(BaseModel):
    dataset_id: str
    project_id: str
    name: str
    description: str = ""
    metadata: dict[str, Any] = {}
    current_version: int = 0
    created_at: Moment
    updated_at: Moment
    revision: int = 0


class StoredRecord(Record):
    """A record as it stands in one version of its dataset; `version` is the one that last changed it."""

    dataset_id: str
    version: int
    position: int
    created_at: Moment
    updated_at: Moment


@dataclass(frozen=True)
class _Known:
    """What is remembered of a stored record while a batch is applied."""

    content_hash: str
    created_at: Moment
    position: int


@dataclass
class _Batch:
    """The rows of one new version."""

    dataset_id: str
    version: int
    moment: Moment
    base: int = field(default_factory=next_revision)
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    changed: list[StoredRecord] = field(default_factory=list[StoredRecord])

    def put(self, record: Record, known: _Known | None, content_hash: str) -> None:
        stored = StoredRecord(
            **record.model_dump(),
            dataset_id=self.dataset_id,
            version=self.version,
            position=known.position if known else self.base + len(self.rows),
            created_at=known.created_at if known else self.moment,
            updated_at=self.moment,
        )
        self.changed.append(stored)
        self.rows.append(self._row(stored, content_hash, removed=False))

    def remove(self, record_id: str, known: _Known) -> None:
        gone = StoredRecord(
            id=record_id,
            input=None,
            dataset_id=self.dataset_id,
            version=self.version,
            position=known.position,
            created_at=known.created_at,
            updated_at=self.moment,
        )
        self.rows.append(self._row(gone, "", removed=True))

    def _row(self, record: StoredRecord, content_hash: str, *, removed: bool) -> dict[str, Any]:
        return {
            "dataset_id": record.dataset_id,
            "record_id": record.id,
            "version": record.version,
            "input": dump(record.input),
            "expected_output": dump(record.expected_output),
            "metadata": dump(record.metadata),
            "tags": record.tags,
            "content_hash": content_hash,
            "position": record.position,
            "removed": removed,
            "created_at": micros(record.created_at),
            "updated_at": micros(record.updated_at),
            "revision": self.base + len(self.rows),
        }


class Datasets:
    """Thread-safe; writers of one service take turns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def find(
        self,
        *,
        dataset_id: str = "",
        project_id: str = "",
        name: str = "",
        cursor: str = "",
        limit: int = 100,
    ) -> Page[Dataset]:
        """Newest first."""
        parameters = {
            "dataset_id": dataset_id,
            "project_id": project_id,
            "name": name,
            "limit": page_limit(limit) + 1,
            **before_cursor(cursor),
        }
        rows = self._store.query(sql("queries/find_datasets"), parameters)
        found = [Dataset(**{**row, "metadata": json.loads(row["metadata"] or "{}")}) for row in rows]
        last = found[limit - 1] if len(found) > limit else None
        after = encode_cursor(last.created_at.isoformat(), last.dataset_id) if last else ""
        return Page(found[:limit], after)

    def get(self, dataset_id: str) -> Dataset:
        """Raises NotFoundError."""
        found = self.find(dataset_id=dataset_id, limit=1).items
        if not dataset_id or not found:
            raise NotFoundError(f"There is no dataset {dataset_id!r}.")
        return found[0]

    def get_or_create(
        self, project_id: str, name: str, description: str = "", metadata: dict[str, Any] | None = None
    ) -> Dataset:
        """The dataset of that name in the project, made if there is none."""
        with self._lock:
            existing = self.find(project_id=project_id, name=name, limit=1).items
            if existing:
                return existing[0]
            moment = now()
            dataset = Dataset(
                dataset_id=named_id("dataset", project_id, name),
                project_id=project_id,
                name=name,
                description=description,
                metadata=metadata or {},
                created_at=moment,
                updated_at=moment,
            )
            self._write(dataset)
            return dataset

    def records(
        self,
        dataset_id: str,
        *,
        version: int | None = None,
        tags: Sequence[str] = (),
        record_id: str = "",
        cursor: str = "",
        limit: int = 1000,
    ) -> Page[StoredRecord]:
        """The records of one version (None: the current one) that carry all of `tags`.

        A cursor pins the version that its first page was read from.

        Raises:
            NotFoundError: no such dataset.
            UsageError: the dataset has no such version, or the cursor is not one.
        """
        dataset = self.get(dataset_id)
        wanted = dataset.current_version if version is None else version
        time, position, last_id = -(2**62), 0, ""
        if cursor:
            wanted, time, position, last_id = decode_cursor(cursor, (int, int, int, str))
        if not 0 <= wanted <= dataset.current_version:
            raise UsageError(
                f"Dataset {dataset.name!r} has no version {wanted}; "
                f"its versions are 0 to {dataset.current_version}."
            )
        parameters = {
            "dataset_id": dataset_id,
            "version": wanted,
            "tags": list(tags),
            "record_id": record_id,
            "after_time": time,
            "after_position": position,
            "after_id": last_id,
            "limit": page_limit(limit) + 1,
        }
        found = [
            _stored(dataset_id, row) for row in self._store.query(sql("queries/find_records"), parameters)
        ]
        last = found[limit - 1] if len(found) > limit else None
        after = encode_cursor(wanted, -micros(last.created_at), last.position, last.id) if last else ""
        return Page(found[:limit], after)

    def change(
        self,
        dataset_id: str,
        *,
        insert: Iterable[Record] = (),
        delete: Iterable[str] = (),
        deduplicate: bool = True,
        new_version: bool = True,
    ) -> list[StoredRecord]:
        """Add, replace and remove records in one step; the records that changed, as stored.

        An insert whose id is there already replaces that record. With `deduplicate`, an insert
        under a new id is passed over when a record of the same content is there. Where nothing
        changes, the version stays.

        Raises:
            NotFoundError: no such dataset, or no such record to delete.
        """
        with self._lock:
            dataset = self.get(dataset_id)
            known = self._known(dataset)
            version = (
                dataset.current_version + 1
                if new_version or not dataset.current_version
                else (dataset.current_version)
            )
            batch = _Batch(dataset_id, version, now())
            self._removals(batch, known, delete)
            self._insertions(batch, known, insert, deduplicate)
            if batch.rows:
                self._store.insert(
                    "dataset_records_data",
                    {name: [row[name] for row in batch.rows] for name in batch.rows[0]},
                )
                self._write(
                    dataset.model_copy(update={"current_version": version, "updated_at": batch.moment})
                )
            return batch.changed

    def _removals(self, batch: _Batch, known: dict[str, _Known], delete: Iterable[str]) -> None:
        for record_id in delete:
            if record_id not in known:
                raise NotFoundError(f"There is no record {record_id!r} in dataset {batch.dataset_id!r}.")
            batch.remove(record_id, known.pop(record_id))

    def _insertions(
        self, batch: _Batch, known: dict[str, _Known], insert: Iterable[Record], deduplicate: bool
    ) -> None:
        contents = {entry.content_hash for entry in known.values()}
        for record in insert:
            content_hash = _content_hash(record)
            present = known.get(record.id) if record.id else None
            same = (
                present.content_hash == content_hash if present else deduplicate and content_hash in contents
            )
            if same:
                continue
            contents.add(content_hash)
            identified = record if record.id else record.model_copy(update={"id": uuid.uuid4().hex})
            batch.put(identified, present, content_hash)
            known[identified.id] = _Known(content_hash, batch.moment, batch.changed[-1].position)

    def _known(self, dataset: Dataset) -> dict[str, _Known]:
        parameters = {"dataset_id": dataset.dataset_id, "version": dataset.current_version}
        rows = self._store.query(sql("queries/record_hashes"), parameters)
        return {
            row["record_id"]: _Known(row["content_hash"], row["created_at"], row["position"]) for row in rows
        }

    def _write(self, dataset: Dataset) -> None:
        row = dataset.model_dump() | {
            "metadata": dump(dataset.metadata),
            "deleted": False,
            "revision": next_revision(dataset.revision),
        }
        self._store.insert("datasets_data", single_row(row))


def _content_hash(record: Record) -> str:
    content = [record.input, record.expected_output, record.metadata, sorted(record.tags)]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stored(dataset_id: str, row: dict[str, Any]) -> StoredRecord:
    return StoredRecord(
        id=row["record_id"],
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
