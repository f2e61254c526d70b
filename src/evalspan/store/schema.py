"""The schema: SQL files in the order of `sql/order.txt`, applied so that any step can run again.

A fresh store gets every object of the manifest. An older one gets the numbered files of
`sql/migrations/` that it has not had; each is recorded after it succeeded and is written with IF
[NOT] EXISTS, so a kill at any point is mended by the next start. Views are replaced whenever the
text of the schema changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from evalspan.errors import StoreTooNew

_ROOT = files("evalspan.store") / "sql"
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_versions
(
    version     UInt32,
    fingerprint String,
    applied_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY applied_at
"""

Command = Callable[[str], object]
Query = Callable[[str], list[tuple[object, ...]]]


@cache
def sql(name: str) -> str:
    """The text of one SQL file, by its path below `sql/` without the ending.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return (_ROOT / f"{name}.sql").read_text(encoding="utf-8")


@cache
def objects() -> tuple[str, ...]:
    """Every table and view, in the order in which they can be created."""
    lines = (_ROOT / "order.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """Numbered changes to tables that older stores have: (version, name below `sql/`)."""
    folder = _ROOT / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql")) if folder.is_dir() else []
    return tuple((int(name.split("_")[0]), f"migrations/{name.removesuffix('.sql')}") for name in names)


def version() -> int:
    """The version that this program writes: 1, or the highest migration's number."""
    return max((number for number, _ in migrations()), default=1)


def fingerprint() -> str:
    """A hash over the text of every object and migration."""
    names = [*objects(), *(name for _, name in migrations())]
    return hashlib.sha256("\0".join(sql(name) for name in names).encode()).hexdigest()


def columns(table: str) -> tuple[str, ...]:
    """The column names of a table, read from its CREATE TABLE."""
    body = sql(f"tables/{table}").split("\n(\n", 1)[1].split("\n)\n", 1)[0]
    names = re.findall(r"^    (\w+) +\w", body, flags=re.MULTILINE)
    return tuple(name for name in names if name != "INDEX")


def apply(command: Command, query: Query, location: str) -> None:
    """Bring the store up to this program's schema.

    Raises:
        StoreTooNew: the store was written by a newer evalspan.
    """
    command(_LEDGER)
    rows = query("SELECT version, fingerprint FROM schema_versions ORDER BY version DESC, applied_at DESC LIMIT 1")
    found, stamp = (int(str(rows[0][0])), str(rows[0][1])) if rows else (0, "")
    if found > version():
        raise StoreTooNew(
            f"The store {location} has schema version {found}, this evalspan writes version {version()}. "
            "Upgrade evalspan, or open another store."
        )
    if stamp == fingerprint():
        return
    names = objects()
    for name in names:
        if name.startswith("tables/"):
            command(sql(name))
    for number, name in migrations():
        if found and number > found:
            command(sql(name))
            _record(command, number, "")
    for name in names:
        if name.startswith("views/"):
            command(sql(name))
    _record(command, version(), fingerprint())


def _record(command: Command, number: int, stamp: str) -> None:
    command(f"INSERT INTO schema_versions (version, fingerprint) VALUES ({number}, '{stamp}')")
