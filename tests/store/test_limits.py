"""A query that asks too much is told so, and a ClickHouse that is away is told apart from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan.errors import StoreUnavailable, UsageError
from evalspan.store import Store
from support.clickhouse_server import ClickHouseServer
from support.rows import add, case

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
LARGE = "SELECT length(groupArray(number)) FROM numbers(1000000000)"


@pytest.fixture(params=["embedded", "server"])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store whose queries may take half a second and 100 MB."""
    embedded = request.param == "embedded"
    address = f"chdb://{tmp_path / 'store'}" if embedded else str(request.getfixturevalue("server_address"))
    with Store(address, query_timeout=0.5, query_max_memory=100_000_000) as store:
        yield store


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ClickHouseServer]:
    """A server that the test may stop."""
    server = ClickHouseServer(tmp_path / "server")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("statement", "setting"), [(ENDLESS, "EVALSPAN_QUERY_TIMEOUT"), (LARGE, "EVALSPAN_QUERY_MAX_MEMORY")]
)
def test_a_query_over_a_limit_is_wrong_use_and_the_message_names_the_limit(
    limited: Store, statement: str, setting: str
) -> None:
    with pytest.raises(UsageError, match=setting):
        limited.read(statement)
    assert b"".join(limited.read("SELECT 1 FORMAT CSV")) == b"1\n"


def test_the_limits_hold_for_somebody_elses_queries_only(limited: Store) -> None:
    (row,) = limited.query("SELECT sleep(0.8) AS slept, getSetting('readonly') AS readonly")
    assert row["readonly"] == 0


def test_a_large_result_is_handed_out_piece_by_piece(store: Store) -> None:
    chunks = store.read("SELECT repeat('x', 1000) FROM numbers(20000) FORMAT TSV")
    sizes = [len(chunk) for chunk in chunks]
    assert sum(sizes) == 20000 * 1001
    assert max(sizes) < sum(sizes) / 4


def test_a_reader_that_leaves_early_disturbs_nobody(store: Store) -> None:
    for _ in range(3):
        chunks = store.read("SELECT number FROM numbers(100000000)")
        assert next(chunks)
        del chunks
    assert b"".join(store.read("SELECT 1 FORMAT CSV")) == b"1\n"


def test_a_failure_in_the_middle_of_a_result_is_an_error_and_never_a_short_result(store: Store) -> None:
    chunks = store.read("SELECT throwIf(number = 3000000) FROM numbers(10000000)")
    with pytest.raises((UsageError, StoreUnavailable)):
        list(chunks)


def test_a_server_that_is_away_is_unavailable_and_the_store_works_again_when_it_is_back(
    own_server: ClickHouseServer,
) -> None:
    with Store(own_server.address("d")) as store:
        add(store, case("r1"))
        own_server.stop()
        for attempt in (store.ping, lambda: store.read("SELECT 1"), lambda: add(store, case("r2"))):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                attempt()
        own_server.start()
        add(store, case("r2"))
        assert store.query("SELECT count() AS n FROM spans") == [{"n": 2}]


def test_what_a_killed_server_had_acknowledged_is_there_when_it_is_back(own_server: ClickHouseServer) -> None:
    with Store(own_server.address("d")) as store:
        for number in range(20):
            add(store, case(f"r{number}"))
        own_server.kill()
        own_server.start()
        assert store.query("SELECT count() AS n FROM spans") == [{"n": 20}]


def test_opening_a_store_on_a_server_that_is_away_is_unavailable(own_server: ClickHouseServer) -> None:
    own_server.stop()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        Store(own_server.address("d"))


def test_a_closed_store_says_so(embedded_store: Store) -> None:
    embedded_store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        embedded_store.ping()
