"""What an embedded store has lost: ClickHouse sets aside a part that it cannot read, and starts
without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from evalspan.store.schema import sql
from evalspan.store.store import Store


def damage(store: Store) -> Iterator[str]:
    """One sentence for every part that was set aside. Empty on a server, which has administrators and a
    log of its own."""
    for part in _parts(store):
        yield (
            f"The store {store.dsn} has lost rows of {part['table']}: ClickHouse could not read a part "
            f"({part['bytes']} bytes) and set it aside as {part['path']}. Restore the store from a backup, "
            "or send that data again; then remove the folder, and this is not said any more."
        )


def damaged_parts(store: Store) -> Counter[str]:
    """How many parts were set aside, by table, whose name is the view's."""
    return Counter(str(part["table"]).removesuffix("_data") for part in _parts(store))


def _parts(store: Store) -> list[dict[str, Any]]:
    return store.query(sql("queries/damaged_parts")) if store.dsn.embedded else []
