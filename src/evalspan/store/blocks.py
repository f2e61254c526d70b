"""Rows in ClickHouse's own format, ready to be sent: made apart from the insert that sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalspan.errors import StoreError, TooLargeError
from evalspan.settings import MIB
from evalspan.store.driver import Client, native


@dataclass(frozen=True)
class Block:
    """Whole columns of one table."""

    table: str
    columns: tuple[str, ...]
    rows: int
    data: bytes


def encode(
    client: Client, table: str, types: Sequence[Any], columns: Mapping[str, Sequence[Any]], limit: int
) -> Block:
    """Write columns down, in at most `limit` bytes.

    Raises:
        StoreError: a value does not fit its column. TooLargeError: they take more.
    """
    names = tuple(columns)
    values = list(columns.values())
    context = client.create_insert_context(
        table, column_names=names, data=values, column_types=types, column_oriented=True
    )
    pieces: list[bytes] = []
    size = 0
    for piece in native(context):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise TooLargeError(
                f"As rows this comes to more than {limit // MIB} MiB, for each of them holds the attributes "
                "of its resource and scope: send less of it in one request."
            )
    written = b"".join(pieces)
    if context.insert_exception is not None:
        raise StoreError(f"A value does not fit {table}: {context.insert_exception}")
    return Block(table, names, len(values[0]), written[written.index(b"\n") + 1 :])


def joined(blocks: Sequence[Block]) -> bytes:
    """Several blocks of one table as one insert."""
    return b"".join(block.data for block in blocks)
