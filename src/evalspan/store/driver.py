"""The edge to clickhouse-connect, which is typed in part only: what we use of its client."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import clickhouse_connect
from clickhouse_connect.driver.transform import NativeTransform

# The driver logs what it raises; without this the last resort of `logging` prints it as well.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


class Result(Protocol):
    column_names: Sequence[str]
    result_rows: Sequence[Sequence[Any]]


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class InsertContext(Protocol):
    column_types: Sequence[Any]
    insert_exception: Exception | None


class Client(Protocol):
    """One conversation at a time."""

    def command(self, cmd: str, parameters: dict[str, Any] | None = None) -> object: ...
    def query(self, query: str, parameters: dict[str, Any] | None = None) -> Result: ...
    def raw_query(
        self, query: str, parameters: dict[str, Any] | None = None, *, fmt: str | None = None
    ) -> bytes: ...
    def raw_stream(
        self, query: str, parameters: dict[str, Any] | None = None, *, fmt: str | None = None
    ) -> ByteStream: ...
    def create_insert_context(
        self,
        table: str,
        column_names: Sequence[str],
        *,
        data: Sequence[Sequence[Any]] | None = None,
        column_types: Sequence[Any] | None = None,
        column_oriented: bool = False,
    ) -> InsertContext: ...
    def insert(
        self,
        table: str,
        data: Sequence[Sequence[Any]],
        *,
        column_names: Sequence[str],
        column_types: Sequence[Any],
        column_oriented: bool,
    ) -> object: ...
    def raw_insert(
        self, table: str, column_names: Sequence[str], insert_block: bytes, *, fmt: str
    ) -> object: ...
    def set_client_setting(self, key: str, value: Any) -> None: ...
    def close(self) -> None: ...


def connect(options: Mapping[str, Any]) -> Client:
    """A client with the keyword arguments of `clickhouse_connect.get_client`."""
    return cast(Client, clickhouse_connect.get_client(**options))  # pyright: ignore[reportUnknownMemberType] (its **kwargs are untyped)


def native(context: InsertContext) -> Iterator[bytes]:
    """The data of an insert in ClickHouse's Native format, in pieces, after the line with its statement."""
    return NativeTransform.build_insert(context)  # pyright: ignore[reportArgumentType] (its own class)
