"""The schema on a cluster: a table becomes a replicated one on every node and a Distributed one over them.

The names stay: what views, queries and inserts call `spans_data` is the Distributed table, and its
rows lie in `spans_data_local`. So the statements below `sql/` are written once, for one node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from evalspan.errors import UsageError

LOCAL: Final = "_local"
# One path per shard and table, without {uuid}: a replica that is added later must come to the same one.
_REPLICA: Final = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"

SETTINGS: Final[Mapping[str, Any]] = {
    "distributed_foreground_insert": 1,  # an insert returns when the shards hold the rows
    "distributed_product_mode": "global",  # a subquery over all shards is asked once, not by each shard
    "parallel_distributed_insert_select": 0,  # an entity's new revision goes through the Distributed table
    # All services ask the same replica of a shard while it is up: it has what was just written.
    "load_balancing": "in_order",
    "prefer_localhost_replica": 0,
}

_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW (\w+)")
_ALTER: Final = re.compile(r"\A((?:--[^\n]*\n|\s)*)ALTER TABLE (\w+)")
_WINDOW: Final = re.compile(r"non_replicated_deduplication_window = (\d+)")
# Replicated tables forget tokens by age too, after an hour or a week as the version goes.
_KEPT: Final = r"replicated_deduplication_window = \1, replicated_deduplication_window_seconds = 31536000"
_ENGINE: Final = re.compile(r"ENGINE = (\w*MergeTree)(?:\((.*?)\))?")


class Cluster:
    """Renders statements of ours for one cluster and database."""

    def __init__(self, name: str, database: str, shards: Mapping[str, str]) -> None:
        """`shards`: table -> the expression that decides on the shard of a row.

        Raises:
            UsageError: the name is not that of a cluster.
        """
        if not re.fullmatch(r"[\w-]+", name):
            raise UsageError(f"EVALSPAN_CLUSTER={name!r} is not a name of letters, digits, _ and -.")
        self.name = name
        self.database = database
        self._shards = shards
        self._everywhere = f"ON CLUSTER `{name}`"

    def create_database(self) -> str:
        return f"CREATE DATABASE IF NOT EXISTS `{self.database}` {self._everywhere}"

    def render(self, statement: str) -> tuple[str, ...]:
        """A statement of the schema as those that say the same on every node."""
        if table := _TABLE.search(statement):
            return self._local(statement), self._distributed(table[1])
        if altered := _ALTER.search(statement):
            local = _ALTER.sub(rf"\1ALTER TABLE \2{LOCAL} {self._everywhere}", statement)
            return local, self._distributed(altered[2])
        return (_VIEW.sub(rf"\g<0> {self._everywhere}", statement),)

    def _local(self, statement: str) -> str:
        named = _TABLE.sub(rf"\g<0>{LOCAL} {self._everywhere}", statement)
        return _WINDOW.sub(_KEPT, _ENGINE.sub(_replicated, named))

    def _distributed(self, table: str) -> str:
        return (
            f"CREATE OR REPLACE TABLE {table} {self._everywhere} AS {table}{LOCAL}\n"
            f"ENGINE = Distributed('{self.name}', '{self.database}', '{table}{LOCAL}', {self._shards[table]})"
        )


def _replicated(engine: re.Match[str]) -> str:
    version = f", {engine[2]}" if engine[2] else ""
    return f"ENGINE = Replicated{engine[1]}({_REPLICA}{version})"
