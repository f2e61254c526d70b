"""Two ClickHouse servers on loopback as the two shards of a cluster called `pair`.

What the engine in the wheel lacks of a server is left out of the statements: ON CLUSTER, for which each
is run on every node, and Replicated engines, which it makes but cannot write (it has no port for
replicas). So the shards have one replica each, and everything else is as on a real cluster.
"""

from __future__ import annotations

import re
from pathlib import Path

from evalspan.store.schema import SCHEMA
from support.clickhouse_server import ClickHouseServer

NAME = "pair"
_SHARD = (
    "<shard><internal_replication>true</internal_replication>"
    "<replica><host>127.0.0.1</host><port>{port}</port></replica></shard>"
)


class ClickHouseCluster:
    """Started by `start`; each test makes databases of its own in it."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [ClickHouseServer(folder / f"shard{number}") for number in (1, 2)]
        shards = "".join(_SHARD.format(port=node.native_port) for node in self.nodes)
        for number, node in enumerate(self.nodes, 1):
            node.configure(
                f"<remote_servers><{NAME}>{shards}</{NAME}></remote_servers>"
                f"<macros><shard>{number}</shard><replica>only</replica></macros>"
            )

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def create(self, database: str) -> str:
        """Make the schema on every node; the store's address on the first of them."""
        for statement in SCHEMA.on(NAME, database).statements():
            if statement.startswith("INSERT"):
                self.nodes[0].run(f"{statement} SETTINGS distributed_foreground_insert = 1", database)
                continue
            for node in self.nodes:
                self.run_on(node, statement, database)
        return self.nodes[0].address(database)

    def drop(self, database: str) -> None:
        for node in self.nodes:
            node.drop(database)

    @staticmethod
    def run_on(node: ClickHouseServer, statement: str, database: str) -> None:
        """One statement of a rendered schema, without what only a real server has."""
        alone = re.sub(rf" ON CLUSTER `{NAME}`", "", statement)
        alone = re.sub(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?", r"\1(", alone)
        alone = re.sub(r"SETTINGS (replicated_\w+ = \d+), .*", r"SETTINGS non_\1", alone)
        node.run(alone, "default" if alone.startswith("CREATE DATABASE") else database)
