"""What expired is gone from every view, as a whole, and nothing else is."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.attributes import RETENTION_DAYS
from evalspan.errors import UsageError
from evalspan.experiments import Catalog, NewExperiment
from evalspan.settings import load
from evalspan.store import Store, sql
from evalspan.store.retention import Policy, expired, sweep
from support.clickhouse_cluster import ClickHouseCluster
from support.command import Evalspan
from support.rows import START, Row, add, case, experiment, llm, project, score, span, summary

NOW = START + timedelta(days=100)
VIEWS = (
    "experiments", "spans", "evaluations", "experiment_results", "experiment_records", "experiment_summary",
    "logs", "metric_points", "projects",
)  # fmt: skip


def days_ago(days: float, *rows: Row) -> list[Row]:
    """The rows as received (and, for entities, changed) so long ago."""
    moment = NOW - timedelta(days=days)
    column = {"experiments_data": "updated_at", "projects_data": "updated_at"}
    return [Row(row.table, row.values | {column.get(row.table, "received_at"): moment}) for row in rows]


def whole(identity: str, project: str = "p", days: str = "") -> list[Row]:
    """An experiment with all that belongs to it, some of it without its id."""
    trace = f"{identity}/r1/1"
    log: dict[str, Any] = {"service_name": "s", "timestamp": START, "content_hash": crc32(identity.encode())}
    log["trace_id"] = trace
    metadata = {RETENTION_DAYS: days} if days else {}
    return [
        experiment(identity, project=project, metadata=metadata),
        case("r1", experiment=identity), llm("r1", experiment=identity), case("r2", experiment=identity),
        score("judge", 1.0, "r1", experiment=identity), summary("f1", 0.5, experiment=identity),
        span(trace, "foreign", span_type="LLM"), score("human", 1.0, "", 0, experiment="", trace=trace),
        Row("logs_data", log),
    ]  # fmt: skip


def read(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {view: store.query(f"SELECT * FROM {view} ORDER BY ALL") for view in VIEWS}


def names(store: Store, policy: Policy) -> list[str]:
    return [each.experiment_id for each in expired(store, policy, NOW)]


def test_what_expired_is_gone_from_every_view_and_the_rest_reads_as_before(store: Store) -> None:
    point = Row("metric_points_data", {"metric": "m", "series_hash": 1, "timestamp": START})
    loose = [span("app", "root"), score("human", 1.0, "", 0, experiment="", trace="app")]
    add(store, *days_ago(10, *whole("young"), *loose, point, project("p1", "p")))
    expected = read(store)
    old = [span("old app", "root"), Row("metric_points_data", point.values | {"metric": "old"})]
    add(store, *days_ago(40, *whole("old"), *whole("older"), *old))
    assert read(store) != expected
    gone = sweep(store, Policy(30), NOW)
    assert [each.experiment_id for each in gone] == ["old", "older"]
    assert read(store) == expected
    assert sweep(store, Policy(30), NOW) == []
    assert store.query("SELECT count() AS n FROM spans_data WHERE startsWith(trace_id, 'old')") == [{"n": 0}]


def test_an_experiment_lives_as_long_as_anything_comes_in_for_it(embedded_store: Store) -> None:
    add(embedded_store, *days_ago(40, *whole("scored"), *whole("silent")))
    add(embedded_store, *days_ago(1, score("late", 1.0, "r2", experiment="scored")))
    before = embedded_store.query(
        "SELECT * FROM experiment_results WHERE experiment_id = 'scored' ORDER BY ALL"
    )
    sweep(embedded_store, Policy(30), NOW)
    after = embedded_store.query("SELECT * FROM experiment_results ORDER BY ALL")
    assert after == before != []


def test_the_metadata_of_an_experiment_wins_over_its_project_and_that_over_all(embedded_store: Store) -> None:
    add(embedded_store, *days_ago(20, *whole("a"), *whole("b", "short"), *whole("c", "kept")))
    own = {"short": "7", "kept": "0", "unread": "soon"}
    for name, days in own.items():
        add(embedded_store, *days_ago(20, *whole(name, "short", days)))
    projects = Policy.parse(30, "short=10, kept=0").projects
    assert names(embedded_store, Policy(30, projects)) == ["b", "short"]
    assert names(embedded_store, Policy(15, projects)) == ["a", "b", "short"]
    assert names(embedded_store, Policy()) == ["short"]


def test_metadata_given_as_a_number_through_the_api_counts(embedded_store: Store) -> None:
    catalog = Catalog(embedded_store)
    project_id = catalog.projects.get_or_create("p").project_id
    new = NewExperiment(project_id=project_id, name="brief", metadata={RETENTION_DAYS: 7})
    made = catalog.experiments.create(new)
    for days, gone in ((6.9, []), (7.1, [made.experiment_id])):
        found = expired(embedded_store, Policy(), made.updated_at + timedelta(days=days))
        assert [each.experiment_id for each in found] == gone


def test_without_a_rule_for_all_nothing_loose_is_deleted(embedded_store: Store) -> None:
    add(embedded_store, *days_ago(5000, span("app", "root"), *whole("e")))
    before = read(embedded_store)
    assert sweep(embedded_store, Policy(0, {"other": 1}), NOW) == []
    assert read(embedded_store) == before


def test_a_trace_of_two_experiments_stays_while_one_of_them_does(embedded_store: Store) -> None:
    add(embedded_store, *days_ago(40, *whole("old")))
    add(embedded_store, *days_ago(1, *whole("young"), case("r9", experiment="young", trace="old/r1/1")))
    sweep(embedded_store, Policy(30), NOW)
    assert embedded_store.query("SELECT experiment_id FROM spans WHERE span_id = 'foreign' ORDER BY ALL") == [
        {"experiment_id": "young"}, {"experiment_id": "young"}
    ]  # fmt: skip


def test_a_sweep_that_was_killed_is_finished_by_the_next(embedded_store: Store) -> None:
    add(embedded_store, *days_ago(40, *whole("old")))
    # What there is when the process ends after its first statement.
    embedded_store.command(sql("queries/hide_experiments"), {"ids": ["old"]})
    assert embedded_store.query("SELECT * FROM experiment_results") == []
    assert [each.experiment_id for each in sweep(embedded_store, Policy(30), NOW)] == ["old"]
    assert embedded_store.query("SELECT count() AS n FROM spans_data") == [{"n": 0}]


@pytest.mark.parametrize("rules", ["p", "p=", "=3", "p=x", "p=-1", "p=40000"])
def test_rules_that_cannot_be_read_are_refused_with_what_they_are(rules: str) -> None:
    with pytest.raises(UsageError, match="EVALSPAN_RETENTION_PROJECTS="):
        Policy.parse(0, rules)


def test_the_command_shows_and_only_deletes_when_told(evalspan: Evalspan, server_address: str) -> None:
    with Store(server_address) as store:
        add(store, *whole("old"))  # received long before now
    command = ("retention", "--store", server_address, "--retention-days", "30")
    shown = evalspan(*command)
    assert "name of old" in shown.stdout, shown.stderr
    assert "1 experiments deleted" in evalspan(*command, "--apply").stderr
    assert "0 experiments have expired" in evalspan(*command).stderr


def test_on_a_cluster_rows_are_deleted_on_every_node(
    cluster_address: str, clickhouse_cluster: ClickHouseCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ON CLUSTER, which the servers here do not have, is run node by node."""
    with Store(cluster_address, cluster="pair") as store:
        add(store, *days_ago(40, *whole("old")), *days_ago(10, *whole("young")))
        sent: list[str] = []
        command = store.command

        def spread(statement: str, parameters: dict[str, Any]) -> None:
            if not statement.startswith("DELETE"):
                return command(statement, parameters)
            sent.append(statement)
            for node in clickhouse_cluster.nodes:
                with Store(node.address(store.database), cluster="pair") as one:
                    one.command(statement.replace(" ON CLUSTER `pair`", ""), parameters)
            return None

        monkeypatch.setattr(store, "command", spread)
        sweep(store, Policy(30), NOW)
        assert all("_local ON CLUSTER `pair` WHERE" in statement for statement in sent)
        assert store.query("SELECT DISTINCT experiment_id AS e FROM spans") == [{"e": "young"}]
        assert store.query("SELECT count() AS n FROM logs") == [{"n": 1}]


def test_a_running_service_deletes_what_expired(tmp_path: Path) -> None:
    address = f"chdb://{tmp_path}"
    with Store(address) as store:
        add(store, *whole("old"))
    chosen = load(
        {"store": address, "http_port": 0, "grpc_port": -1, "retention_days": 30, "retention_interval": 0.1},
        {},
    )
    statement = "SELECT count() FROM experiment_results FORMAT CSV"
    with Service(chosen) as service:
        deadline = time.monotonic() + 30
        while httpx.post(f"{service.endpoint}/sql", content=statement).text != "0\n":
            assert time.monotonic() < deadline
            time.sleep(0.1)
