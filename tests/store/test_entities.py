"""Projects, datasets with their versions, experiments: each view shows the current state."""

from __future__ import annotations

from evalspan.store import Store
from support.rows import add, dataset, experiment, project, record

VERSION = """
SELECT record_id, input FROM dataset_records
WHERE dataset_id = 'd1' AND version <= {version:Int64}
    AND (until_version IS NULL OR until_version > {version:Int64})
ORDER BY record_id
"""


def test_the_last_revision_of_an_entity_is_its_state(store: Store) -> None:
    add(store, project("p1", "old"), project("p1", "new", revision=2), project("p2", "other"))
    assert store.query("SELECT project_id, name FROM projects ORDER BY ALL") == [
        {"project_id": "p1", "name": "new"},
        {"project_id": "p2", "name": "other"},
    ]


def test_deleted_entities_are_gone(store: Store) -> None:
    add(store, project("p1", "x"), project("p1", "x", deleted=True, revision=2))
    add(store, dataset("d1"), record("d1", "r1", 1), dataset("d1", deleted=True, revision=2))
    add(store, experiment("e1"), experiment("e1", deleted=True, revision=2))
    counts = [store.query(f"SELECT count() AS n FROM {view}")[0]["n"] for view in
              ("projects", "datasets", "dataset_records", "experiments")]  # fmt: skip
    assert counts == [0, 0, 0, 0]


def test_a_dataset_knows_its_project_by_name(store: Store) -> None:
    add(store, project("p1", "shop"), dataset("d1", "questions", project_id="p1"), dataset("d2", "orphans"))
    found = store.query("SELECT name, project FROM datasets ORDER BY dataset_id")
    assert [tuple(row.values()) for row in found] == [("questions", "shop"), ("orphans", "")]


def test_every_version_of_a_dataset_can_be_read_as_it_was(store: Store) -> None:
    add(store, dataset("d1"), record("d1", "a", 1, "a1"), record("d1", "b", 1, "b1"))
    add(store, record("d1", "a", 2, "a2"), record("d1", "c", 2, "c2"))  # a changed, c added
    add(store, record("d1", "b", 3, removed=True))
    assert [at_version(store, number) for number in (1, 2, 3)] == [
        {"a": "a1", "b": "b1"},
        {"a": "a2", "b": "b1", "c": "c2"},
        {"a": "a2", "c": "c2"},
    ]
    current = store.query("SELECT record_id, dataset FROM dataset_records WHERE is_current ORDER BY ALL")
    assert [tuple(row.values()) for row in current] == [("a", "name of d1"), ("c", "name of d1")]


def test_a_record_that_was_removed_can_come_back(store: Store) -> None:
    add(
        store,
        dataset("d1"),
        record("d1", "a", 1, "a1"),
        record("d1", "a", 2, removed=True),
        record("d1", "a", 4, "a4"),
    )
    assert [at_version(store, number) for number in (1, 2, 3, 4)] == [{"a": "a1"}, {}, {}, {"a": "a4"}]


def at_version(store: Store, number: int) -> dict[str, str]:
    return {row["record_id"]: row["input"] for row in store.query(VERSION, {"version": number})}
