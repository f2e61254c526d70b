"""Searching an experiment of a real store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analysis.samples import fill
from evalspan.analysis.search import search
from evalspan.analysis.syntax import QueryError
from evalspan.errors import UsageError
from evalspan.experiments.entity import encode_cursor
from evalspan.store import Store
from support.rows import add, case, score


def found(store: Store, query: str) -> list[tuple[str, int]]:
    _, page = search(store, "e1", query)
    return [(row["record_id"], row.get("run_iteration", 0)) for row in page.items]


def test_the_supported_queries_of_the_documentation_we_follow(store: Store) -> None:
    add(store, case("r1"), case("r1", 2), case("r2"), case("r2", 2))
    for record, run, number, label in [
        ("r1", 1, 0.4, "positive"),
        ("r1", 2, 0.8, "positive"),
        ("r2", 1, 0.1, "positive"),
        ("r2", 2, 0.2, "no"),
    ]:
        add(store, score("random", number, record, run), score("sentient", label, record, run))
    both = (
        "@multi_run_avg.@evaluations.custom.random:>0.5 @multi_run_mode.@evaluations.custom.sentient:positive"
    )
    assert found(store, both) == [("r1", 0)]
    assert found(store, "run_iteration:1 @evaluations.custom.random:>0.1") == [("r1", 1)]


def test_what_is_absent_meets_no_condition_and_every_negated_one(store: Store) -> None:
    add(store, case("r1"), case("r2"), score("exact", 0.2, "r1"))
    assert found(store, "@evaluations.custom.exact:<0.5") == [("r1", 1)]
    assert found(store, "-@evaluations.custom.exact:<0.5") == [("r2", 1)]
    assert found(store, "-@evaluations.custom.exact:>0.5") == [("r1", 1), ("r2", 1)]
    assert found(store, "-@evaluations.custom.exact:*") == [("r2", 1)]
    assert found(store, "@trace.total_tokens:>=0") == []


def test_pages_go_through_every_row_once_in_order(embedded_store: Store) -> None:
    fill(embedded_store)
    rows: list[tuple[str, int]] = []
    cursor = ""
    while True:
        _, page = search(embedded_store, "e1", "", limit=4, cursor=cursor)
        rows += [(row["record_id"], row["run_iteration"]) for row in page.items]
        cursor = page.after
        if not cursor:
            break
    assert rows == found(embedded_store, "")
    assert len(rows) == len(set(rows)) == 15


def test_pages_of_records_go_through_every_record_once(embedded_store: Store) -> None:
    fill(embedded_store)
    _, first = search(embedded_store, "e1", "runs:>0", limit=5)
    _, second = search(embedded_store, "e1", "runs:>0", limit=5, cursor=first.after)
    assert [row["record_id"] for row in [*first.items, *second.items]] == [f"r{n}" for n in range(6)]
    assert second.after == ""


def test_texts_come_when_they_are_asked_for(embedded_store: Store) -> None:
    fill(embedded_store)
    _, bare = search(embedded_store, "e1", "record_id:r0")
    assert "output" not in bare.items[0]
    _, runs = search(embedded_store, "e1", "record_id:r0", texts=True)
    assert [row["output"] for row in runs.items] == ['"Answer 1"', '"Answer 2"']
    _, records = search(embedded_store, "e1", "record_id:r0 runs:2", texts=True)
    assert records.items[0]["input"] == '{"q": "math"}'


def test_a_score_that_is_no_number_is_no_number_in_the_answer(embedded_store: Store) -> None:
    add(embedded_store, case("r1"), score("exact", float("nan"), "r1"))
    _, page = search(embedded_store, "e1", "")
    assert page.items[0]["scores"] == {"exact": None}


def test_names_are_those_of_the_experiment_searched(embedded_store: Store) -> None:
    fill(embedded_store)
    with pytest.raises(QueryError, match="there are 'exact', 'judge'"):
        search(embedded_store, "e1", "@evaluations.custom.other:1")
    _, page = search(embedded_store, "e2", "@evaluations.custom.other:1")
    assert [row["record_id"] for row in page.items] == ["r9"]


def test_metadata_of_the_experiment_is_known_from_the_api_and_from_its_cases(embedded_store: Store) -> None:
    fill(embedded_store)
    add(embedded_store, case("r0", 4, experiment_metadata={"branch": "main"}))
    assert len(found(embedded_store, "@experiment.metadata.commit:abc*")) == 16
    assert found(embedded_store, "@experiment.metadata.branch:main") == [("r0", 4)]


@pytest.mark.parametrize(
    ("limit", "cursor"),
    [
        (0, ""),
        (5001, ""),
        (10, "nonsense"),
        (10, encode_cursor("r1", 2**70)),
        (10, encode_cursor("\ud800", 1)),
    ],
)
def test_a_wrong_page_is_refused(embedded_store: Store, limit: int, cursor: str) -> None:
    with pytest.raises(UsageError, match="page"):
        search(embedded_store, "e1", "", limit=limit, cursor=cursor)


@pytest.mark.parametrize(
    ("query", "records"),
    [
        (r"@metadata.topic:*\\*", ["r2"]),
        (r'@metadata.topic:"it\'s a \\ \"day\""', ["r2"]),
        (r"@input:\\", ["r2"]),
        ("@metadata.topic:50%*", ["r1"]),
        ("@metadata.topic:5_*", []),
        ("@metadata.topic:m%h", []),
        ("@metadata.topic:m?th", ["r0"]),
        ("@metadata.topic:?t?", ["r4"]),
        ('@metadata.topic:""', ["r3"]),
        ('odd:"two\nlines"', ["r5"]),
        ('@metadata.topic:"\' OR 1=1 --"', []),
        (r"@metadata.topic:\*", []),
        ("@input:ÉTÉ", ["r4"]),
    ],
)
def test_texts_mean_themselves_whatever_sql_makes_of_them(
    filled: Store, query: str, records: list[str]
) -> None:
    assert sorted({record for record, _ in found(filled, query)}) == records


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Stands last: a process holds one embedded store at a time."""
    with Store(f"chdb://{tmp_path_factory.mktemp('texts') / 'store'}") as opened:
        fill(opened)
        yield opened
