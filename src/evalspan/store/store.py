"""A ClickHouse, embedded or a server, behind one small face."""

from __future__ import annotations

import contextlib
import copy
import itertools
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from evalspan.errors import StoreUnavailable, UsageError
from evalspan.store import blocks, guard, scope
from evalspan.store import dsn as addresses
from evalspan.store.blocks import Block
from evalspan.store.cluster import LOCAL
from evalspan.store.cluster import SETTINGS as CLUSTER_SETTINGS
from evalspan.store.driver import Client, connect
from evalspan.store.failures import asked, translated
from evalspan.store.lock import StoreLock
from evalspan.store.schema import SCHEMA, Schema

Parameters = Mapping[str, Any]


# A filter on the sort key is applied before FINAL merges, where it cannot change which row wins: the
# cases of a page of experiments took 52-66 ms of CPU instead of 174.
_SETTINGS: Final = {"optimize_move_to_prewhere_if_final": 1}


class Store:
    """All access to ClickHouse. Thread-safe: every call takes a client of its own from a pool,
    since queries on one embedded client wait for each other."""

    def __init__(
        self,
        address: str,
        *,
        migrate: bool = True,
        query_timeout: float = 60.0,
        query_max_memory: int = 0,
        query_max_result_rows: int = 0,
        query_max_result_bytes: int = 0,
        cluster: str = "",
        reader: str = "",
        max_memory: int = 0,
        schema: Schema = SCHEMA,
    ) -> None:
        """Open a store and bring its schema up to date.

        Args:
            query_timeout: longest run of one `read`, seconds.
            query_max_memory: bytes that one `read` may use; 0 sets no limit.
            query_max_result_rows: rows that one `read` may return; 0 sets no limit.
            query_max_result_bytes: the same in bytes, before they are formatted.
            cluster: the cluster over which the tables are spread, as the server's configuration names it.
            reader: the same store's address as another user, who runs what goes through `read`.
            max_memory: bytes that an embedded engine may use for everything; 0 leaves it to ClickHouse.

        Raises:
            UsageError: an address cannot be read, or does not fit the other settings.
            StoreLocked: another process holds the embedded store.
            StoreTooNew: a newer evalspan wrote it.
            StoreUnavailable: the server does not answer.
        """
        self.dsn = addresses.parse(address)
        self.database = self.dsn.database
        self._reader = addresses.reader(reader, self.dsn)
        self._engine: dict[str, Any] = {}
        if max_memory and self.dsn.embedded:
            self._engine = {"chdb_options": {"max_server_memory_usage": max_memory}}
        if cluster and self.dsn.embedded:
            raise UsageError(f"EVALSPAN_CLUSTER={cluster!r} needs a ClickHouse server, not {self.dsn}.")
        self._cluster = cluster
        self._settings = {**_SETTINGS, **(CLUSTER_SETTINGS if cluster else {})}
        self._lock = StoreLock(self.dsn.path) if self.dsn.path is not None else None
        self._idle: list[Client] = []
        self._idle_readers: list[Client] = []
        # readonly comes last: nothing can be set after it.
        self._read_settings = {
            scope.SETTING: scope.setting(self._catalogs()),
            "max_execution_time": query_timeout,
            "max_memory_usage": query_max_memory,
            "max_result_rows": query_max_result_rows,
            "max_result_bytes": query_max_result_bytes,
            "result_overflow_mode": "throw",
            "readonly": 1,
        }
        self._project = ""
        self._within: dict[str, Store] = {}
        self._functions: frozenset[str] = frozenset()
        self._mutex = threading.Lock()
        self._column_types: dict[str, list[Any]] = {}
        self._closed = False
        try:
            if migrate:
                self._create_database()
                schema.on(cluster, self.database).apply(self.command, self._rows, str(self.dsn))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def within(self, project: str) -> Store:
        """This store as one project sees it, '' being all of it; closed with this one.

        Raises:
            UsageError: the store is spread over a cluster, where no such view is known to hold.
        """
        if not project:
            return self
        if self._cluster:
            raise UsageError(
                "A store that is spread over a cluster cannot be read with the key of a project; "
                "use one without a project."
            )
        with self._mutex:
            if self._closed:
                raise StoreUnavailable(f"The store {self.dsn} is closed.")
            if project not in self._within:
                self._within[project] = self._seen_by(project)
            return self._within[project]

    def _seen_by(self, project: str) -> Store:
        tables = [name.removeprefix("tables/") for name in SCHEMA.objects if name.startswith("tables/")]
        seen = copy.copy(self)
        seen._lock = None
        seen._mutex = threading.Lock()
        seen._idle, seen._idle_readers, seen._within = [], [], {}
        seen._project = project
        own = scope.conditions(self.database, project, [*tables, "schema_versions"])
        seen._settings = {**self._settings, scope.SETTING: scope.setting(own)}
        both = {scope.SETTING: scope.setting({**own, **self._catalogs()})}
        seen._read_settings = {**scope.PLAN, **self._read_settings, **both, "readonly": 1}
        return seen

    def _catalogs(self) -> dict[str, str]:
        return {table: f"{column} = '{self.database}'" for table, column in guard.CATALOG_FILTERS.items()}

    def announce(self, endpoint: str) -> None:
        """Say in the lock file where the service that holds this store can be reached."""
        if self._lock is not None:
            self._lock.announce(endpoint)

    def command(self, statement: str, parameters: Parameters | None = None) -> None:
        """Run a statement of ours that returns no rows."""
        with self._client() as client:
            client.command(statement, parameters=dict(parameters or {}))

    def query(self, statement: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """Run a SELECT of ours; one dict per row."""
        with self._client() as client:
            result = client.query(statement, parameters=dict(parameters or {}))
            return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def insert(self, table: str, block: Mapping[str, Sequence[Any]]) -> None:
        """Insert whole columns as one block; when this returns, ClickHouse holds the rows.

        Args:
            block: column name -> values, all of one length.

        Raises:
            StoreUnavailable: transient; the same block may be sent again.
            StoreError: ClickHouse refused the block.
        """
        names = list(block)
        with self._client() as client:
            client.insert(
                table,
                list(block.values()),
                column_names=names,
                column_types=self._types(client, table, names),
                column_oriented=True,
            )

    def encode(self, table: str, columns: Mapping[str, Sequence[Any]], limit: int) -> Block:
        """Whole columns as `add` takes them, so that one thread can encode while another inserts.

        Args:
            limit: how many bytes it may take.

        Raises:
            StoreUnavailable: the types of the columns could not be asked for.
            StoreError: a value does not fit its column. TooLargeError: it takes more.
        """
        with self._client() as client:
            return blocks.encode(client, table, self._types(client, table, list(columns)), columns, limit)

    def add(self, encoded: Sequence[Block]) -> None:
        """Insert blocks of one table together; when this returns, ClickHouse holds the rows.

        Raises:
            as `insert`.
        """
        self.load(encoded[0].table, blocks.joined(encoded), encoded[0].columns)

    def erase(self, table: str, condition: str, parameters: Parameters) -> None:
        """Delete the rows that meet a condition, which names no other table."""
        where = f"{table}{LOCAL} ON CLUSTER `{self._cluster}`" if self._cluster else table
        self.command(f"DELETE FROM {where} WHERE {condition}", parameters)

    def dump(self, statement: str, parameters: Parameters | None = None) -> bytes:
        """Run a SELECT of ours; its rows in ClickHouse's own format, for `load`."""
        with self._client() as client:
            return client.raw_query(statement, dict(parameters or {}), fmt="Native")

    def load(self, table: str, block: bytes, columns: Sequence[str]) -> None:
        """Insert what `dump` returned, as `insert` does."""
        with self._client() as client:
            client.raw_insert(table, column_names=columns, insert_block=block, fmt="Native")

    def read(
        self,
        statement: str,
        parameters: Parameters | None = None,
        *,
        output_format: str = "JSONEachRow",
    ) -> Iterator[bytes]:
        """Run somebody else's query, read-only and within limits; the result in any ClickHouse format.

        A FORMAT named in the query wins over `output_format`.

        Raises:
            UsageError: the query is not valid, writes, reaches outside the store, or meets a limit.
            StoreUnavailable: ClickHouse is away.
        """
        checked = self.check(statement, parameters)
        chunks = self._stream(checked, None if checked.format else output_format)
        first = next(chunks, b"")  # what fails at once is told before the first byte is sent
        return itertools.chain((first,), chunks)

    def _stream(self, checked: guard.Checked, output_format: str | None) -> Iterator[bytes]:
        with asked(), self._client(reading=True) as client:
            if not checked.streams:
                yield client.raw_query(checked.sql, checked.parameters, fmt=output_format)
                return
            with contextlib.closing(
                client.raw_stream(checked.sql, checked.parameters, fmt=output_format)
            ) as stream:
                while chunk := stream.read(1 << 16):
                    yield chunk

    def check(self, statement: str, parameters: Parameters | None = None) -> guard.Checked:
        """Parse a query with ClickHouse and see that it only reads this store.

        Raises:
            UsageError: the query is not valid, writes, or reaches outside the store.
        """
        with asked():
            formatted = str(
                self._rows("SELECT formatQuery({statement:String})", {"statement": statement})[0][0]
            )
            bound = guard.used(formatted, parameters or {})
            with self._client(reading=True) as client:
                tree = client.raw_query(f"EXPLAIN AST {formatted}", bound).decode()
        return guard.check(formatted, tree, bound, self._reach())

    def _reach(self) -> guard.Reach:
        if not self._functions:
            rows = self._rows("SELECT lower(name) FROM system.functions")
            self._functions = frozenset(str(row[0]) for row in rows)
        return guard.Reach(self.database, self._functions, self._hidden() if self._project else None)

    def _hidden(self) -> frozenset[str]:
        """What the database holds beside our views, whoever made it."""
        found = self._rows(
            "SELECT name FROM system.tables WHERE database = {database:String}", {"database": self.database}
        )
        views = {name.removeprefix("views/") for name in SCHEMA.objects if name.startswith("views/")}
        return frozenset(str(row[0]) for row in found) - views

    def ping(self) -> None:
        """Raises StoreUnavailable when ClickHouse does not answer."""
        self._rows("SELECT 1")

    def close(self) -> None:
        """Close every client; a second call does nothing."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            idle = self._idle + self._idle_readers
            self._idle, self._idle_readers = [], []
        for client in idle:
            client.close()
        for seen in self._within.values():
            seen.close()
        if self._lock is not None:
            self._lock.release()

    def _rows(self, statement: str, parameters: Parameters | None = None) -> list[tuple[object, ...]]:
        with self._client() as client:
            return [
                tuple(row) for row in client.query(statement, parameters=dict(parameters or {})).result_rows
            ]

    def _types(self, client: Client, table: str, names: list[str]) -> list[Any]:
        """Column types, asked for once per table rather than once per insert."""
        key = f"{table}:{','.join(names)}"
        if key not in self._column_types:
            context = client.create_insert_context(table, column_names=names)
            self._column_types[key] = list(context.column_types)
        return self._column_types[key]

    def _create_database(self) -> None:
        with translated(ours=True):
            client = connect({**self.dsn.client_options(), **self._engine})
            try:
                # Asked first: a user who may not create databases can use one that is there.
                known = client.query(
                    "SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": self.database}
                )
                if not known.result_rows:
                    client.command(f"CREATE DATABASE IF NOT EXISTS `{self.database}`")
            finally:
                client.close()

    @contextlib.contextmanager
    def _client(self, *, reading: bool = False) -> Generator[Client]:
        """A client of our own for the length of one call; one that failed is not used again."""
        pool = self._idle_readers if reading else self._idle
        with self._mutex:
            if self._closed:
                raise StoreUnavailable(f"The store {self.dsn} is closed.")
            client = pool.pop() if pool else None
        with translated(ours=not reading):
            client = client or self._connect(reading)
            try:
                yield client
            except BaseException:
                client.close()
                raise
        with self._mutex:
            if not self._closed:
                pool.append(client)
                return
        client.close()

    def _connect(self, reading: bool) -> Client:
        dsn = self._reader if reading else self.dsn
        client = connect({**dsn.client_options(), **self._engine, "database": self.database})
        for name, value in {**self._settings, **(self._read_settings if reading else {})}.items():
            client.set_client_setting(name, value)
        return client
