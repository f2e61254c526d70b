"""Two shards read and replace as one node does, and the statements that make them are as pinned.

cluster.sql is made by `python tests/store/golden.py > tests/store/cluster.sql`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evalspan.analysis.compare import Choice, compare_experiments
from evalspan.errors import StoreUnavailable, UsageError
from evalspan.experiments import Catalog, NewExperiment
from evalspan.model import Record
from evalspan.store import Store
from evalspan.store.cluster import Cluster
from evalspan.store.schema import SCHEMA
from support.clickhouse_cluster import NAME, ClickHouseCluster
from support.command import Evalspan
from support.rows import Row, add, case, experiment, llm, score, span, summary

HERE = Path(__file__).parent
VIEWS = (
    "spans", "evaluations", "experiment_results", "experiment_records", "experiment_summary", "trace_usage",
    "superseded_traces",
)  # fmt: skip
# Sent twice, in the other order: spans and scores of many traces, one run again, some without an
# experiment of their own, some without a trace, and a deleted experiment.
ROWS: tuple[Row, ...] = (
    experiment("e1"), experiment("e2"), experiment("e3", deleted=True), case("x", experiment="e3"),
    *(case(f"r{n}", experiment=e, at=n) for n in range(8) for e in ("e1", "e2")),
    *(llm(f"r{n}", experiment=e, at=n) for n in range(8) for e in ("e1", "e2")),
    *(score("judge", n / 8, f"r{n}", experiment=e) for n in range(8) for e in ("e1", "e2")),
    *(score("tone", "kind", f"r{n}", trace="") for n in range(8)),
    *(span(f"e1/r{n}/1", f"foreign {n}", span_type="LLM", total_tokens=9) for n in range(4)),
    *(score("human", 1.0, "", 0, experiment="", trace=f"e2/r{n}/1") for n in range(4)),
    *(score("pushed", 0.5, "", 0, trace="", span_id=f"e1/r{n}/1/case") for n in range(4)),
    case("r1", trace="again", at=50), summary("f1", 0.5),
)  # fmt: skip


@pytest.fixture
def cluster_store(cluster_address: str) -> Iterator[Store]:
    with Store(cluster_address, cluster=NAME) as opened:
        yield opened


def read(store: Store) -> dict[str, list[dict[str, Any]]]:
    """What the views say, the time of writing left out."""
    found = {view: store.query(f"SELECT * FROM {view}") for view in VIEWS}
    for rows in found.values():
        for row in rows:
            row.pop("received_at", None)
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True, default=str))
    return found


def test_the_statements_for_a_cluster_are_as_pinned() -> None:
    sys.path.insert(0, str(HERE))
    try:
        from golden import outline  # pyright: ignore[reportMissingImports, reportUnknownVariableType] (a script)
    finally:
        sys.path.remove(str(HERE))
    assert outline() == (HERE / "cluster.sql").read_text(encoding="utf-8")


def test_the_command_prints_statements_that_clickhouse_can_parse(
    evalspan: Evalspan, embedded_store: Store
) -> None:
    printed = evalspan("schema", "--cluster", "production").stdout
    statements = SCHEMA.on("production", "evalspan").statements()
    assert printed == "".join(f"{statement.strip()};\n\n" for statement in statements)
    for statement in statements:
        embedded_store.query("SELECT formatQuery({text:String})", {"text": statement})


def test_a_row_is_sharded_by_what_identifies_it() -> None:
    for name in SCHEMA.objects:
        if name.startswith("tables/"):
            key = re.search(r"ORDER BY \(?([\w, ]+)", SCHEMA.sql(name))
            used = re.findall(r"\b[a-z]+_?[a-z]+\b", SCHEMA.shards[name.removeprefix("tables/")])
            assert key is not None
            assert set(used) - {"if"} <= set(key[1].split(", "))


def test_two_shards_say_what_one_node_says_and_what_is_sent_twice_counts_once(
    embedded_store: Store, cluster_store: Store, clickhouse_cluster: ClickHouseCluster
) -> None:
    add(embedded_store, *ROWS)
    add(cluster_store, *ROWS)
    add(cluster_store, *ROWS[::-1])
    expected = read(embedded_store)
    assert all(expected.values())
    assert read(cluster_store) == expected
    counts = [
        int(node.run("SELECT uniqExact(trace_id) FROM spans_data_local", cluster_store.database))
        for node in clickhouse_cluster.nodes
    ]
    assert min(counts) > 0
    assert sum(counts) == len({row.values["trace_id"] for row in ROWS if row.table == "spans_data"})
    other = clickhouse_cluster.nodes[1].address(cluster_store.database)
    with Store(other, cluster=NAME) as second:
        assert read(second) == expected
    choices = [Choice(Catalog(cluster_store).experiments.get(each), None) for each in ("e1", "e2")]
    assert compare_experiments(cluster_store, *choices) == compare_experiments(embedded_store, *choices)


def test_services_on_different_nodes_agree(
    cluster_store: Store, clickhouse_cluster: ClickHouseCluster
) -> None:
    other = clickhouse_cluster.nodes[1].address(cluster_store.database)
    with Store(other, cluster=NAME) as second, ThreadPoolExecutor(4) as pool:
        catalogs = [Catalog(store) for store in (cluster_store, second, cluster_store, second)]

        def create(catalog: Catalog) -> tuple[str, str, str]:
            project = catalog.projects.get_or_create("p").project_id
            dataset = catalog.datasets.get_or_create(project, "d").dataset_id
            new = NewExperiment(project_id=project, name="e", ensure_unique=False)
            return project, dataset, catalog.experiments.create(new).experiment_id

        (made,) = set(pool.map(create, catalogs))

        def append(task: tuple[Catalog, int]) -> int:
            return task[0].records.change(made[1], insert=[Record(id=f"r{task[1]}", input=task[1])]).version

        versions = list(pool.map(append, [(catalogs[n % 4], n) for n in range(12)]))
        assert sorted(versions) == list(range(1, 13))
        assert len(catalogs[1].records.find(made[1]).items) == 12
        catalogs[0].projects.delete([made[0]])
        assert catalogs[1].experiments.find(ids=[made[2]]).items == []
        assert catalogs[1].datasets.find(dataset_id=made[1]).items == []


def test_a_migration_changes_both_tables_on_every_node(
    cluster_store: Store, clickhouse_cluster: ClickHouseCluster
) -> None:
    add(cluster_store, *ROWS)
    cluster = Cluster(NAME, cluster_store.database, SCHEMA.shards)
    for statement in cluster.render(
        "-- Why.\nALTER TABLE spans_data ADD COLUMN tenant String DEFAULT 'none'"
    ):
        for node in clickhouse_cluster.nodes:
            clickhouse_cluster.run_on(node, statement, cluster_store.database)
    assert cluster_store.query("SELECT DISTINCT tenant FROM spans_data") == [{"tenant": "none"}]


def test_a_cluster_and_a_single_node_are_not_taken_for_each_other(
    cluster_address: str, server_address: str
) -> None:
    with pytest.raises(UsageError, match="made with a cluster and is opened without one"):
        Store(cluster_address)
    Store(server_address).close()
    with pytest.raises(UsageError, match="made without a cluster and is opened with one"):
        Store(server_address, cluster=NAME)


def test_what_cannot_be_a_cluster_is_refused(tmp_path: Path, server_address: str) -> None:
    with pytest.raises(UsageError, match="needs a ClickHouse server"):
        Store(f"chdb://{tmp_path}", cluster="c")
    with pytest.raises(UsageError, match=r"EVALSPAN_CLUSTER=\"a'b\" is not a name"):
        Store(server_address, cluster="a'b")


def test_a_shard_that_is_away_is_unavailable_and_never_a_smaller_answer(tmp_path: Path) -> None:
    cluster = ClickHouseCluster(tmp_path)
    cluster.start()
    try:
        with Store(cluster.create("d"), cluster=NAME) as store:
            add(store, *ROWS)
            before = store.query("SELECT count() AS n FROM spans")
            cluster.nodes[1].stop()
            for attempt in (lambda: add(store, *ROWS), lambda: store.query("SELECT count() AS n FROM spans")):
                with pytest.raises(StoreUnavailable):
                    attempt()
            cluster.nodes[1].start()
            add(store, *ROWS)
            assert store.query("SELECT count() AS n FROM spans") == before
    finally:
        cluster.stop()
