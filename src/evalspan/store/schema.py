"""The schema: SQL files in the order of `sql/order.txt`, applied so that any step can run again.

A fresh store gets every object of the manifest. An older one gets the numbered files of
`sql/migrations/` that it has not had; each is recorded after it succeeded and is written with IF
[NOT] EXISTS, so a kill at any point is mended by the next start. Views are replaced whenever the
text of the schema changed. On a cluster the same statements are rendered for it (cluster.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from evalspan.errors import StoreTooNew, UsageError
from evalspan.store.cluster import Cluster

LEDGER = "schema_versions"
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

    def __init__(self, root: Traversable, cluster: Cluster | None = None) -> None:
        self._root = root
        self._cluster = cluster
        self.sql = lru_cache(maxsize=None)(self._read)

    def on(self, cluster: str, database: str) -> Schema:
        """The same schema for a cluster; itself where that is ''."""
        return Schema(self._root, Cluster(cluster, database, self.shards)) if cluster else self

    @cached_property
    def shards(self) -> dict[str, str]:
        """Table -> what decides on the shard of a row."""
        lines = (self._root / "shards.txt").read_text(encoding="utf-8").splitlines()
        pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
        return {table: expression for table, _, expression in pairs}

    def statements(self) -> tuple[str, ...]:
        """What makes a store of this version from nothing; each can run again."""
        made = [_LEDGER, *(self.sql(name) for name in self.objects)]
        database = (self._cluster.create_database(),) if self._cluster else ()
        record = _record(self.version, self.fingerprint)
        return (*database, *(each for one in made for each in self._rendered(one)), record)

    def _rendered(self, statement: str) -> tuple[str, ...]:
        return self._cluster.render(statement) if self._cluster else (statement,)

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
        """A hash over the text of every object and migration, as rendered for the cluster."""
        names = [*self.objects, *(name for _, name in self.migrations)]
        texts = [text for name in names for text in self._rendered(self.sql(name))]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

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
        """Bring the store up to this program's schema. One that is, is only read.

        Raises:
            StoreTooNew: the store was written by a newer evalspan.
            UsageError: it was made for a cluster and is opened without one, or the other way round.
        """
        found, stamp = self._found(query, location)
        if found > self.version:
            raise StoreTooNew(
                f"The store {location} has schema version {found}, this evalspan writes version "
                f"{self.version}. Upgrade evalspan, or open another store."
            )
        if stamp == self.fingerprint:
            return
        if self._cluster:
            command(self._cluster.create_database())
        self._run(command, _LEDGER)
        if not found:
            # Written first: tables of a start that was killed are then known to be of this version.
            command(_record(self.version, ""))
        self._apply_all("tables/", command)
        for number, name in self.migrations:
            if found and number > found:
                self._run(command, self.sql(name))
                command(_record(number, ""))
        self._apply_all("views/", command)
        command(_record(self.version, self.fingerprint))

    def _found(self, query: Query, location: str) -> tuple[int, str]:
        """The version and the stamp that a store has; (0, '') where it is none yet."""
        engines = query(
            f"SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = '{LEDGER}'"
        )
        if not engines:
            return 0, ""
        if (engines[0][0] == "Distributed") != bool(self._cluster):
            made, opened = ("without", "with") if self._cluster else ("with", "without")
            raise UsageError(
                f"The store {location} was made {made} a cluster and is opened {opened} one "
                "(EVALSPAN_CLUSTER). To move it, copy it into another database: evalspan copy."
            )
        rows = query(
            f"SELECT version, fingerprint FROM {LEDGER} ORDER BY version DESC, applied_at DESC LIMIT 1"
        )
        return (int(str(rows[0][0])), str(rows[0][1])) if rows else (0, "")

    def _apply_all(self, kind: str, command: Command) -> None:
        for name in self.objects:
            if name.startswith(kind):
                self._run(command, self.sql(name))

    def _run(self, command: Command, statement: str) -> None:
        for each in self._rendered(statement):
            command(each)


def _record(number: int, stamp: str) -> str:
    return f"INSERT INTO {LEDGER} (version, fingerprint) SELECT {number}, '{stamp}'"


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
