"""docker-compose.yml: it fits the schema, and its three processes work together as it configures them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.clickhouse_server import ClickHouseServer
from support.collector import Collector
from support.command import environment
from support.compose import load, variables
from support.markdown import ROOT
from support.process import wait_until
from support.service import ServiceProcess

SECRETS = {"EVALSPAN_API_KEY": "k3y", "CLICKHOUSE_PASSWORD": "pa55w0rd"}
LOGS = ROOT / "clickhouse" / "evalspan.xml"
SCRIPT = """
import evalspan
result = evalspan.experiment(name="compose", task=lambda: 1, dataset=[{"input": n} for n in range(4)],
                             evaluators=[lambda output_data: output_data == 1], runs=2).run()
assert result.delivery.complete
print(result.experiment_id)
"""
USERS = """<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users>
    <default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
        <quota>default</quota></default>
    <{user}><password>{password}</password><networks><ip>::/0</ip></networks>
        <profile>default</profile><quota>default</quota></{user}>
</users></clickhouse>"""
WITH_USERS = """<clickhouse><user_directories replace="replace">
    <users_xml><path>{folder}/users.xml</path></users_xml></user_directories></clickhouse>"""


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return load(ROOT / "docker-compose.yml")


def test_a_file_that_does_not_fit_the_schema_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("depends_on", "depends"))
    with pytest.raises(ValueError, match="depends"):
        load(wrong)


def test_every_service_has_a_health_check_a_restart_policy_and_logs_that_end(model: dict[str, Any]) -> None:
    assert set(model["services"]) == {"clickhouse", "evalspan", "collector"}
    for service in model["services"].values():
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"
        assert service["logging"] == {"driver": "local"}


def test_what_the_file_names_is_there(model: dict[str, Any]) -> None:
    for service in model["services"].values():
        assert set(service.get("depends_on", {})) <= set(model["services"])
        for volume in service.get("volumes", []):
            source = volume["source"]
            assert source in model["volumes"] if volume["type"] == "volume" else (ROOT / source).is_file()
        if "build" in service:
            assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        else:
            assert re.search(r":\d+\.\d+", service["image"])  # a version, not "latest"


def test_nothing_is_published_beyond_loopback(model: dict[str, Any]) -> None:
    published = [port for service in model["services"].values() for port in service.get("ports", [])]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_the_example_of_the_secrets_names_all_that_the_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    offered = re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    assert asked == set(offered) == set(SECRETS)


@pytest.fixture(scope="module")
def clickhouse(model: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """ClickHouse with the mounted configuration and the user of the file; the engine starts as default."""
    folder = tmp_path_factory.mktemp("compose-clickhouse")
    server = ClickHouseServer(folder)
    given = variables(model, "clickhouse", SECRETS)
    user, password = given["CLICKHOUSE_USER"], given["CLICKHOUSE_PASSWORD"]
    (folder / "config.d").mkdir()
    shutil.copy(LOGS, folder / "config.d")
    (folder / "config.d" / "users.xml").write_text(WITH_USERS.format(folder=folder))
    (folder / "users.xml").write_text(USERS.format(user=user, password=password))
    server.start()
    yield server
    server.stop()


def test_the_same_three_processes_work_with_the_same_variables(
    model: dict[str, Any], clickhouse: ClickHouseServer, tmp_path: Path
) -> None:
    def native(service: str, places: dict[str, str]) -> dict[str, str]:
        """The variables of a service, its neighbours where they are on this machine."""
        given = variables(model, service, SECRETS)
        for name, value in given.items():
            for place, here in {"0.0.0.0": "127.0.0.1", **places}.items():
                given[name] = given[name].replace(place, here) if place in value else given[name]
        return given

    store = native("evalspan", {"clickhouse:8123": f"127.0.0.1:{clickhouse.port}"})
    with ServiceProcess(tmp_path / "s", "", store) as service:
        service.start()
        there = {
            "evalspan:4318": f"127.0.0.1:{service.http_port}",
            "/var/lib/otelcol": str(tmp_path / "queue"),
        }
        with Collector(tmp_path / "c", "", native("collector", there)) as collector:
            collector.start()
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT],
                cwd=tmp_path,
                env=environment(
                    EVALSPAN_ENDPOINT=service.endpoint,
                    EVALSPAN_API_KEY=SECRETS["EVALSPAN_API_KEY"],
                    OTEL_EXPORTER_OTLP_ENDPOINT=collector.http,
                ),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            wait_until(lambda: collector.queued() == 0)
        rows = service.sql(
            "SELECT count() AS n, sum(scores['lambda_1']) AS s FROM experiment_results"
            " WHERE experiment_id = {id:String}",
            id=done.stdout.split()[-1],
        )
        assert rows == [{"n": 8, "s": 8}]
        assert httpx.post(f"{service.endpoint}/sql", content="SELECT 1").status_code == 401


def test_clickhouse_keeps_a_week_of_two_logs_of_its_own_and_writes_through(
    model: dict[str, Any], clickhouse: ClickHouseServer
) -> None:
    given = variables(model, "clickhouse", SECRETS)

    def ask(statement: str) -> list[dict[str, Any]]:
        answer = httpx.post(
            f"http://127.0.0.1:{clickhouse.port}/",
            content=statement,
            params={"default_format": "JSONEachRow"},
            auth=(given["CLICKHOUSE_USER"], given["CLICKHOUSE_PASSWORD"]),
            timeout=60,
        )
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    ask("SYSTEM FLUSH LOGS")
    logs = ask(
        "SELECT name, position(create_table_query, 'TTL event_date + toIntervalDay(7)') > 0 AS limited"
        " FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'"
    )
    assert {row["name"] for row in logs} <= {"query_log", "part_log", "crash_log"}, logs
    assert all(row["limited"] for row in logs if row["name"] != "crash_log"), logs
    settings = ask("SELECT name, value FROM system.merge_tree_settings WHERE name LIKE 'fsync_%'")
    values = {row["name"]: row["value"] for row in settings}
    assert values["fsync_after_insert"] == values["fsync_part_directory"] == "1"
