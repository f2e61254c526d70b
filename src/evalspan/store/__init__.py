"""ClickHouse, embedded or a server. Only this package speaks to it."""

from evalspan.store.blocks import Block
from evalspan.store.damage import damage, damaged_parts
from evalspan.store.lock import Holder, holder
from evalspan.store.schema import columns, questions, sql
from evalspan.store.store import Store

__all__ = ["Block", "Holder", "Store", "columns", "damage", "damaged_parts", "holder", "questions", "sql"]
