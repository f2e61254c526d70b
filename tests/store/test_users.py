"""Users with the grants that docs/server.md names can do their work, and the reader nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan.errors import EvalspanError, StoreError, StoreUnavailable, UsageError
from evalspan.experiments import Catalog
from evalspan.store import Store, questions
from support.clickhouse_server import ClickHouseServer
from support.markdown import blocks
from support.rows import add, case, experiment, llm, rows, score

SERVICE, READER = "evalspan", "evalspan_reader"


def documented(user: str) -> list[str]:
    """The grants that the page gives a user, as the engine's users file takes them."""
    statements = "".join(blocks("docs/server.md", "sql")).split(";")
    grants = [text.strip() for text in statements if text.strip().endswith(f" TO {user}")]
    assert grants
    return [grant.removesuffix(f" TO {user}") for grant in grants]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    running = ClickHouseServer(tmp_path_factory.mktemp("users"))
    for user in (SERVICE, READER):
        running.permit(user, "secret", documented(user))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def store(server: ClickHouseServer) -> Iterator[Store]:
    """Opened as the two users of the page."""
    address, reader = (server.address("evalspan", f"{user}:secret") for user in (SERVICE, READER))
    with Store(address, reader=reader) as opened:
        yield opened
    server.drop("evalspan")


def test_the_service_s_user_makes_the_schema_and_works_with_it(store: Store) -> None:
    catalog = Catalog(store)
    project = catalog.projects.get_or_create("p")
    catalog.projects.delete([project.project_id])
    add(store, case("r1"), llm("r1"))
    assert rows(store.read("SELECT record_id FROM experiment_results")) == [{"record_id": "r1"}]


def test_queries_run_as_the_reader(server: ClickHouseServer, store: Store) -> None:
    stranger = server.address("evalspan", f"{READER}:wrong")
    with (
        Store(server.address("evalspan", f"{SERVICE}:secret"), reader=stranger) as mistaken,
        pytest.raises(EvalspanError, match=r"AUTHENTICATION_FAILED|password is incorrect"),
    ):
        mistaken.read("SELECT 1")


def test_the_reader_runs_every_question(store: Store) -> None:
    add(store, experiment("e1", experiment="x"), case("r1"), llm("r1"), score("judge", 1.0, "r1"))
    for _, statement in questions().values():
        values = dict.fromkeys(re.findall(r"\{(\w+):", statement), "1")
        store.read(statement, values)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO projects_data (name) VALUES ('x')",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM system.users",
        "SELECT * FROM system.processes",
        "DROP TABLE projects_data",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "ALTER TABLE projects_data DELETE WHERE 1",
        "SYSTEM FLUSH LOGS",
    ],
)
def test_the_reader_is_refused_all_else_by_the_server_itself(
    server: ClickHouseServer, store: Store, statement: str
) -> None:
    """Not through `read`, whose own check would refuse it first."""
    add(store, case("r1"))
    with (
        Store(server.address("evalspan", f"{READER}:secret"), migrate=False) as reader,
        pytest.raises((StoreError, StoreUnavailable), match=r"Not enough privileges|ACCESS_DENIED"),
    ):
        reader.command(statement)


def test_a_reader_of_another_database_is_refused_without_its_password_in_the_message(
    server: ClickHouseServer, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"EVALSPAN_STORE_READER=.*does not read the store") as refused:
        Store(server.address("evalspan"), reader=server.address("other", f"{READER}:secret"))
    assert "secret" not in str(refused.value)
    with pytest.raises(UsageError, match="EVALSPAN_STORE_READER"):
        Store(f"chdb://{tmp_path}", reader=server.address("evalspan"))
