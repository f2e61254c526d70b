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
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from evalspan.errors import StoreTooNew

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


class Schema:
    """The SQL files below one folder."""

    def __init__(self, root: Traversable) -> None:
        self._root = root
        self.sql = lru_cache(maxsize=None)(self._read)

    def _read(self, name: str) -> str:
        """The text of one SQL file, by its path below the folder without the ending.

        Raises:
            FileNotFoundError: there is no such file.
        """
        return (self._root / f"{name}.sql").read_text(encoding="utf-8")

    @cached_property
    def objects(self) -> tuple[str, ...]:
        """Every table and view, in the order in which they can be created."""
        lines = (self._root / "order.txt").read_text(encoding="utf-8").splitlines()
        return tuple(line for line in lines if line and not line.startswith("#"))

    @cached_property
    def migrations(self) -> tuple[tuple[int, str], ...]:
        """Numbered changes to tables that older stores have: (version, file), the first is 2."""
        return tuple((int(name.split("_")[0]), f"migrations/{name}") for name in self.folder("migrations"))

    @cached_property
    def version(self) -> int:
        """The version that this program writes: 1, or the highest migration's number."""
        return max((number for number, _ in self.migrations), default=1)

    @cached_property
    def fingerprint(self) -> str:
        """A hash over the text of every object and migration."""
        names = [*self.objects, *(name for _, name in self.migrations)]
        return hashlib.sha256("\0".join(self.sql(name) for name in names).encode()).hexdigest()

    def folder(self, name: str) -> list[str]:
        """The SQL files of a folder, sorted, without the ending."""
        folder = self._root / name
        found = [file.name for file in folder.iterdir()] if folder.is_dir() else []
        return sorted(file.removesuffix(".sql") for file in found if file.endswith(".sql"))

    def columns(self, table: str) -> tuple[str, ...]:
        """The column names of a table, read from its CREATE TABLE."""
        body = self.sql(f"tables/{table}").split("\n(\n", 1)[1].split("\n)\n", 1)[0]
        names = re.findall(r"^    (\w+) +\w", body, flags=re.MULTILINE)
        return tuple(name for name in names if name != "INDEX")

    def apply(self, command: Command, query: Query, location: str) -> None:
        """Bring the store up to this program's schema.

        Raises:
            StoreTooNew: the store was written by a newer evalspan.
        """
        command(_LEDGER)
        rows = query(
            "SELECT version, fingerprint FROM schema_versions ORDER BY version DESC, applied_at DESC LIMIT 1"
        )
        found, stamp = (int(str(rows[0][0])), str(rows[0][1])) if rows else (0, "")
        if found > self.version:
            raise StoreTooNew(
                f"The store {location} has schema version {found}, this evalspan writes version "
                f"{self.version}. Upgrade evalspan, or open another store."
            )
        if stamp == self.fingerprint:
            return
        if not rows:
            # Written first: tables of a start that was killed are then known to be of this version.
            _record(command, self.version, "")
        self._apply_all("tables/", command)
        for number, name in self.migrations:
            if rows and number > found:
                command(self.sql(name))
                _record(command, number, "")
        self._apply_all("views/", command)
        _record(command, self.version, self.fingerprint)

    def _apply_all(self, kind: str, command: Command) -> None:
        for name in self.objects:
            if name.startswith(kind):
                command(self.sql(name))


def _record(command: Command, number: int, stamp: str) -> None:
    command(f"INSERT INTO schema_versions (version, fingerprint) VALUES ({number}, '{stamp}')")


SCHEMA = Schema(files("evalspan.store") / "sql")
sql = SCHEMA.sql
columns = SCHEMA.columns


def questions() -> dict[str, tuple[str, str]]:
    """The worked questions: name -> (the question in plain words, its SQL)."""
    found: dict[str, tuple[str, str]] = {}
    for file in SCHEMA.folder("questions"):
        title, _, statement = sql(f"questions/{file}").partition("\n")
        found[file.split("_", 1)[1]] = (title.removeprefix("--").strip(), statement.strip())
    return found
