"""Bytes to the block that ClickHouse would get, by the service's own code, and no further.

What the driver cannot write into a column's type would be a failed commit, so writing it belongs to
decoding here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform
from google.protobuf.message import Message

from evalspan.ingest import Signal, evaluations, logs, metrics, otlp_json, spans, wire
from evalspan.ingest.batch import Batch, columns
from evalspan.ingest.plan import Plans
from evalspan.ingest.signals import PARTS
from evalspan.store import sql

_COLUMN: Final = re.compile(r"^    (\w+) +([A-Z].*?)(?: CODEC.*)?,?$", re.MULTILINE)
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    spans.TABLE: spans.COLUMNS,
    evaluations.TABLE: evaluations.COLUMNS,
    logs.TABLE: logs.COLUMNS,
    metrics.TABLE: metrics.COLUMNS,
}


def decoded(signal: Signal, payload: bytes | Message, *, json: bool = False) -> Batch:
    """The rows of a request and what was found wrong with it.

    Raises:
        Undecodable: it is none.
    """
    batch = Batch(PARTS[signal].noun)
    request: Any = payload
    if isinstance(payload, bytes):
        request = (otlp_json if json else wire).parse(signal, payload, batch.findings)
    match signal:
        case Signal.TRACES:
            spans.decode(request, batch, Plans())
        case Signal.LOGS:
            logs.decode(request, batch)
        case Signal.METRICS:
            metrics.decode(request, batch)
    return batch


def written(batch: Batch) -> int:
    """Write a batch as the driver sends it; how many bytes that is."""
    size = 0
    for table, rows in batch.rows.items():
        block = columns(_TABLES[table], rows, 1)
        types = [_types(table)[name] for name in block]
        context = InsertContext(table, list(block), types, list(block.values()), column_oriented=True)
        size += sum(map(len, NativeTransform.build_insert(context)))
        if context.insert_exception:
            raise context.insert_exception
    return size


@cache
def _types(table: str) -> dict[str, Any]:
    found = cast("list[tuple[str, str]]", _COLUMN.findall(sql(f"tables/{table}")))
    return {name: get_from_name(type) for name, type in found}
