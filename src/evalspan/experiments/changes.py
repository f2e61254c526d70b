"""One change of a dataset while it is worked out: what is inserted, updated, removed, passed over."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalspan.experiments.entity import Moment, micros, next_revision, now
from evalspan.model import Json, Record, dump

Row = dict[str, Any]


class StoredRecord(Record):
    """A record as it stands in one version of its dataset; `version` is the one that last changed it.

    `canonical_id` is the id under which the dataset holds it: another than `id` for an insert that
    was passed over because its content was there already.
    """

    canonical_id: str = ""
    dataset_id: str
    version: int
    position: int
    created_at: Moment
    updated_at: Moment


@dataclass(frozen=True)
class RecordUpdate:
    """New values of some fields of one record. Tags are set, then removed, then added."""

    id: str
    fields: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Of input, expected_output, metadata: those that change."""
    set_tags: list[str] | None = None
    add_tags: list[str] = field(default_factory=list[str])
    remove_tags: list[str] = field(default_factory=list[str])

    def apply(self, record: Record) -> Record:
        """The record as it is to be."""
        tags = list(record.tags if self.set_tags is None else self.set_tags)
        tags = [tag for tag in tags if tag not in self.remove_tags]
        tags += [tag for tag in self.add_tags if tag not in tags]
        return Record.model_validate({**record.model_dump(), **self.fields, "tags": tags})


@dataclass(frozen=True)
class Changed:
    """What became of a change."""

    version: int
    """The dataset's version now."""
    records: list[StoredRecord]
    """Those inserted, replaced and updated."""
    passed_over: list[StoredRecord]
    """Inserts whose content was there already, under their `canonical_id`."""


@dataclass(frozen=True)
class Known:
    """What is remembered of a stored record while a change is worked out."""

    content_hash: str
    created_at: Moment
    position: int


class Change:
    """The rows of one change, not yet written."""

    def __init__(self, dataset_id: str, known: dict[str, Known]) -> None:
        self.known = known
        self.rows: dict[str, Row] = {}
        self.metadata_only = True
        self._dataset_id = dataset_id
        self._moment = now()
        self._base = next_revision()
        self._records: dict[str, StoredRecord] = {}
        self._passed_over: list[StoredRecord] = []
        # Which record has a content; the first, where several have it.
        self._contents: dict[str, str] = {}
        for identity, entry in known.items():
            self._contents.setdefault(entry.content_hash, identity)

    def update(self, updates: Iterable[RecordUpdate], stored: Mapping[str, StoredRecord]) -> None:
        """Update records, `stored` being what they are."""
        for update in updates:
            before = Record.model_validate(stored[update.id].model_dump(include=set(Record.model_fields)))
            after = update.apply(before)
            if after == before:
                continue
            if after.model_copy(update={"metadata": before.metadata}) != before:
                self.metadata_only = False
            self._put(after, self.known[update.id], content_hash(after))

    def delete(self, ids: Iterable[str]) -> None:
        """Remove records that are there."""
        for identity in ids:
            self.metadata_only = False
            entry = self.known.pop(identity)
            self._records.pop(identity, None)
            self._forget(identity, entry)
            gone = self._stored(Record(id=identity, input=None), entry)
            self.rows[identity] = _row(gone, "", removed=True)

    def insert(self, records: Iterable[Record], deduplicate: bool) -> None:
        """Add records, or replace those whose id is there."""
        for record in records:
            digest = content_hash(record)
            present = self.known.get(record.id) if record.id else None
            twin = self._contents.get(digest, "")
            if present and present.content_hash == digest:
                self._pass_over(record, record.id, present)
            elif deduplicate and twin and not present:
                self._pass_over(record, twin, self.known[twin])
            else:
                self.metadata_only = False
                identified = record if record.id else record.model_copy(update={"id": uuid.uuid4().hex})
                self._put(identified, present, digest)

    def block(self, version: int, number: int, change_id: str) -> dict[str, list[Any]]:
        """The rows as columns, once it is known which version and which change they belong to."""
        stamp = {"version": version, "revision": number, "change_id": change_id}
        rows = [{**row, **stamp} for row in self.rows.values()]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def result(self, version: int) -> Changed:
        """What became of it, committed as `version`."""
        records = [record.model_copy(update={"version": version}) for record in self._records.values()]
        passed = [record.model_copy(update={"version": version}) for record in self._passed_over]
        return Changed(version, records, passed)

    def _put(self, record: Record, known: Known | None, digest: str) -> None:
        if known:
            self._forget(record.id, known)
        stored = self._stored(record, known)
        self._records[record.id] = stored
        self.rows[record.id] = _row(stored, digest, removed=False)
        self.known[record.id] = Known(digest, stored.created_at, stored.position)
        self._contents.setdefault(digest, record.id)

    def _forget(self, identity: str, known: Known) -> None:
        """The content that a record had is no longer there, at least not in this record."""
        if self._contents.get(known.content_hash) == identity:
            del self._contents[known.content_hash]

    def _pass_over(self, record: Record, twin: str, known: Known) -> None:
        echoed = record if record.id else record.model_copy(update={"id": twin})
        self._passed_over.append(self._stored(echoed, known).model_copy(update={"canonical_id": twin}))

    def _stored(self, record: Record, known: Known | None) -> StoredRecord:
        return StoredRecord(
            **record.model_dump(),
            canonical_id=record.id,
            dataset_id=self._dataset_id,
            version=0,
            position=known.position if known else self._base + len(self.rows),
            created_at=known.created_at if known else self._moment,
            updated_at=self._moment,
        )


def _row(record: StoredRecord, digest: str, *, removed: bool) -> Row:
    return {
        "dataset_id": record.dataset_id,
        "record_id": record.id,
        "input": dump(record.input),
        "expected_output": dump(record.expected_output),
        "metadata": dump(record.metadata),
        "tags": record.tags,
        "content_hash": digest,
        "position": record.position,
        "removed": removed,
        "created_at": micros(record.created_at),
        "updated_at": micros(record.updated_at),
    }


def content_hash(record: Record) -> str:
    """The same for two records that say the same, whatever their ids."""
    content = [record.input, record.expected_output, record.metadata, sorted(record.tags)]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
