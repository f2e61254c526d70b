"""A whole store into another, as often as one likes.

A table is copied in parts: one per experiment (or dataset, service, metric) and day. A part whose rows
and checksum are the same on both sides is passed over: so a copy that was cut short goes on where it
was, a second copy does nothing, and what is equal at the end was checked. Rows keep their version, by
which the store replaces, so a row that the target has newer stays as it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evalspan.errors import ConflictError, StoreError, UsageError
from evalspan.store.schema import columns, sql
from evalspan.store.store import Store

_SLICE_ROWS: Final = 50_000
_SLICE_BYTES: Final = 64 * 1024 * 1024

Progress = Callable[[str, int, int], None]
"""Called with a table, and how many of its rows are done."""


@dataclass(frozen=True)
class _Table:
    """How the rows of a table are told apart, and into which parts they fall."""

    name: str
    key: str
    version: str
    scope: str = "''"
    day: str = "''"

    def statement(self, query: str) -> str:
        """One of the queries `copy_*` for this table."""
        final = "" if self.name == _CLAIMS else " FINAL"
        words = {
            "columns": ", ".join(columns(self.name)),
            "rows": f"{self.name}{final}",
            "scope": self.scope,
            "day": self.day,
            "key": self.key,
            "version": self.version,
        }
        text = sql(f"queries/{query}")
        for word, meaning in words.items():
            text = text.replace(f"/* {word} */", meaning)
        return text


_CLAIMS: Final = "claims_data"
_RECEIVED: Final = "toUnixTimestamp64Micro(received_at)"
_SCORE: Final = "experiment_id, trace_id, span_id, name, source, run_iteration, record_id"
# A dataset's records before the claims by which they count.
TABLES: Final = (
    _Table("projects_data", "project_id", "revision"),
    _Table("datasets_data", "dataset_id", "revision"),
    _Table("dataset_records_data", "dataset_id, record_id, version, change_id", "revision", "dataset_id"),
    _Table("documents_data", "kind, parent, id", "revision", "toString(kind)"),
    _Table(_CLAIMS, "kind, subject, number, owner", "0", "toString(kind)"),
    _Table("experiments_data", "experiment_id", "revision"),
    _Table(
        "spans_data", "experiment_id, trace_id, span_id", _RECEIVED, "experiment_id",
        "toString(toDate(start_time))",
    ),
    _Table("evaluations_data", _SCORE, _RECEIVED, "experiment_id", "toString(toDate(timestamp))"),
    _Table(
        "logs_data", "service_name, timestamp, content_hash", _RECEIVED, "toString(service_name)",
        "toString(toDate(timestamp))",
    ),
    _Table(
        "metric_points_data", "metric, series_hash, timestamp", _RECEIVED, "toString(metric)",
        "toString(toDate(timestamp))",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    scope: str
    day: str
    rows: int
    checksum: int
    size: int = field(compare=False)

    def slices(self) -> Iterator[dict[str, Any]]:
        """Query parameters of pieces that fit into memory."""
        count = 1 + max(self.rows // _SLICE_ROWS, self.size // _SLICE_BYTES)
        for number in range(count):
            yield {"scope": self.scope, "day": self.day, "slices": count, "slice": number}


@dataclass(frozen=True)
class Copied:
    """What became of one table. Every row of the source is in the target, as it is or newer."""

    table: str
    rows: int
    """In the source."""
    copied: int
    """Sent this time."""
    newer: int
    """Found changed since in the target, and left so."""


def copy(source: Store, target: Store, progress: Progress = lambda table, done, total: None) -> list[Copied]:
    """Copy every row; returns when the target was seen to hold them.

    Raises:
        UsageError: both are the same store.
        ConflictError: the target has changes of its own to what the source changed too.
        StoreError: a row did not arrive.
    """
    if str(source.dsn) == str(target.dsn):
        raise UsageError(f"{source.dsn} is both where to copy from and where to copy to.")
    _refuse_forks(source, target)
    return [_copy_table(source, target, table, progress) for table in TABLES]


def _refuse_forks(source: Store, target: Store) -> None:
    """Of two claims to one place the earlier counts: what the target built on its own would be undone."""
    held = _holders(target)
    for place, holder in _holders(source).items():
        if held.get(place, holder) != holder:
            kind, subject, _number = place
            raise ConflictError(
                f"{target.dsn} and {source.dsn} each have changes of their own to {kind} {subject!r}; "
                "copying would undo those of one. Copy into an empty database."
            )


def _holders(store: Store) -> dict[tuple[str, str, int], str]:
    rows = store.query(sql("queries/copy_claims"))
    return {(row["kind"], row["subject"], row["number"]): row["holder"] for row in rows}


def _copy_table(source: Store, target: Store, table: _Table, progress: Progress) -> Copied:
    wanted, present = _parts(source, table), _parts(target, table)
    total = sum(part.rows for part in wanted.values())
    done = copied = 0
    progress(table.name, 0, total)
    for place, part in wanted.items():
        if place not in present:
            copied += part.rows
            for piece in part.slices():
                _send(source, target, table, piece)
        elif present[place] != part:
            copied += sum(_complete_slice(source, target, table, piece) for piece in part.slices())
        done += part.rows
        progress(table.name, done, total)
    if copied:
        present = _parts(target, table)
    changed = [part for place, part in wanted.items() if present.get(place) != part]
    newer = sum(_newer(source, target, table, piece) for part in changed for piece in part.slices())
    return Copied(table.name, total, copied, newer)


def _parts(store: Store, table: _Table) -> dict[tuple[str, str], Part]:
    rows = store.query(table.statement("copy_parts"))
    parts = [
        Part(row["scope"], row["day"], row["total_rows"], row["checksum"], row["total_bytes"]) for row in rows
    ]
    return {(part.scope, part.day): part for part in parts}


def _send(source: Store, target: Store, table: _Table, piece: Mapping[str, Any]) -> None:
    target.load(table.name, source.dump(table.statement("copy_rows"), piece), columns(table.name))


def _complete_slice(source: Store, target: Store, table: _Table, piece: Mapping[str, Any]) -> int:
    """Send a slice of which the target has something; how many of its rows it did not have so."""
    there = _versions(target, table, piece)
    missing = {key for key, version in _versions(source, table, piece).items() if there.get(key) != version}
    if missing and table.name == _CLAIMS:
        _insert_claims(source, target, table, piece, missing)
    elif missing:
        _send(source, target, table, piece)
    return len(missing)


def _insert_claims(
    source: Store, target: Store, table: _Table, piece: Mapping[str, Any], missing: set[int]
) -> None:
    """Claims are not replaced by claims: only those are sent that the target does not have."""
    rows = [row for row in source.query(table.statement("copy_keyed"), piece) if row["row_key"] in missing]
    target.insert(table.name, {name: [row[name] for row in rows] for name in columns(table.name)})


def _newer(source: Store, target: Store, table: _Table, piece: Mapping[str, Any]) -> int:
    """How many rows the target has newer.

    Raises:
        StoreError: it lacks one, or has another of the same version.
    """
    there = _versions(target, table, piece)
    newer = 0
    for key, version in _versions(source, table, piece).items():
        found = there.get(key, (-1, 0))
        if found != version and found[0] <= version[0]:
            raise StoreError(
                f"A row of {table.name} is not in {target.dsn} after it was copied ({dict(piece)}). "
                "Is something still writing to the source? Copy again: what arrived stays."
            )
        newer += found != version
    return newer


def _versions(store: Store, table: _Table, piece: Mapping[str, Any]) -> dict[int, tuple[int, int]]:
    """Row -> (version, content)."""
    rows = store.query(table.statement("copy_versions"), piece)
    return {row["row_key"]: (row["row_version"], row["content"]) for row in rows}
