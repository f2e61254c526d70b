"""Datasets and their versions, on both engines."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Catalog, Dataset, StoredRecord
from evalspan.model import Record
from evalspan.store import Store


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return Catalog(store)


@pytest.fixture
def dataset(catalog: Catalog) -> Dataset:
    project = catalog.projects.get_or_create("capitals")
    return catalog.datasets.get_or_create(project.project_id, "questions")


def ids(records: Sequence[StoredRecord]) -> list[str]:
    return [record.id for record in records]


def questions(*names: str) -> list[Record]:
    return [Record(id=name, input={"question": name}, expected_output=name.upper()) for name in names]


def test_a_new_dataset_is_empty_at_version_0(catalog: Catalog, dataset: Dataset) -> None:
    assert dataset.current_version == 0
    assert catalog.records.find(dataset.dataset_id).items == []


def test_the_same_name_gives_the_same_dataset(catalog: Catalog, dataset: Dataset) -> None:
    again = catalog.datasets.get_or_create(dataset.project_id, "questions", "another description")
    assert again.dataset_id == dataset.dataset_id
    assert again.description == ""


def test_each_change_is_a_version_and_every_version_stays_readable(
    catalog: Catalog, dataset: Dataset
) -> None:
    records, identity = catalog.records, dataset.dataset_id
    records.change(identity, insert=questions("a", "b", "c"))
    records.change(identity, insert=[Record(id="b", input="changed")], delete=["a"])
    records.change(identity, insert=questions("d"))

    assert catalog.datasets.get(identity).current_version == 3
    assert ids(records.find(identity, version=1).items) == ["a", "b", "c"]
    assert {r.id: r.input for r in records.find(identity, version=2).items} == {
        "b": "changed",
        "c": {"question": "c"},
    }
    assert set(ids(records.find(identity).items)) == {"b", "c", "d"}


def test_a_change_that_changes_nothing_makes_no_version(catalog: Catalog, dataset: Dataset) -> None:
    catalog.records.change(dataset.dataset_id, insert=questions("a"))
    changed = catalog.records.change(dataset.dataset_id, insert=questions("a"))
    assert changed.records == []
    assert catalog.datasets.get(dataset.dataset_id).current_version == 1


def test_deduplication_goes_by_content_and_can_be_turned_off(catalog: Catalog, dataset: Dataset) -> None:
    identity = dataset.dataset_id
    catalog.records.change(identity, insert=questions("a"))
    twin = Record(id="twin", input={"question": "a"}, expected_output="A")
    assert catalog.records.change(identity, insert=[twin]).records == []
    assert ids(catalog.records.change(identity, insert=[twin], deduplicate=False).records) == ["twin"]


def test_a_batch_can_join_the_version_before_it(catalog: Catalog, dataset: Dataset) -> None:
    identity = dataset.dataset_id
    catalog.records.change(identity, insert=questions("a"))
    catalog.records.change(identity, insert=questions("b"), new_version=False)
    assert catalog.datasets.get(identity).current_version == 1
    assert len(catalog.records.find(identity, version=1).items) == 2


def test_tags_select_the_records_that_carry_all_of_them(catalog: Catalog, dataset: Dataset) -> None:
    both = Record(id="both", input=1, tags=["difficulty:hard", "env:prod"])
    one = Record(id="one", input=2, tags=["difficulty:hard"])
    catalog.records.change(dataset.dataset_id, insert=[both, one])
    found = catalog.records.find(dataset.dataset_id, tags=["env:prod", "difficulty:hard"])
    assert ids(found.items) == ["both"]


def test_pages_follow_each_other_without_gap_or_repeat_while_records_are_written(
    catalog: Catalog, dataset: Dataset
) -> None:
    identity = dataset.dataset_id
    catalog.records.change(identity, insert=questions(*(f"q{n:03}" for n in range(25))))
    page = catalog.records.find(identity, limit=10)
    seen = ids(page.items)
    while page.after:
        catalog.records.change(
            identity, insert=[Record(input=f"written after {len(seen)}")], delete=[seen[-1]]
        )
        page = catalog.records.find(identity, limit=10, cursor=page.after)
        seen += ids(page.items)
    assert seen == [f"q{n:03}" for n in range(25)]


def test_values_of_every_json_type_come_back_as_they_were(catalog: Catalog, dataset: Dataset) -> None:
    values = ["text", 3, 0.5, True, None, [1, [2]], {"a": {"b": "ü\u2028\x00"}}, ""]
    records = [Record(id=f"r{n}", input=value, expected_output=value) for n, value in enumerate(values)]
    catalog.records.change(dataset.dataset_id, insert=records)
    stored = catalog.records.find(dataset.dataset_id).items
    assert [(record.input, record.expected_output) for record in stored] == [
        (value, value) for value in values
    ]


def test_what_is_not_there_is_named(catalog: Catalog, dataset: Dataset) -> None:
    with pytest.raises(UsageError, match=r"'questions' has no version 7; its versions are 0 to 0"):
        catalog.records.find(dataset.dataset_id, version=7)
    with pytest.raises(NotFoundError, match=r"no dataset 'nowhere'"):
        catalog.records.find("nowhere")
    with pytest.raises(NotFoundError, match=r"no record 'ghost'"):
        catalog.records.change(dataset.dataset_id, delete=["ghost"])
    with pytest.raises(UsageError, match=r"not a cursor"):
        catalog.records.find(dataset.dataset_id, cursor="bogus")
