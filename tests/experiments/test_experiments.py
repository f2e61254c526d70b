"""Projects and experiments, on both engines."""

from __future__ import annotations

import threading

import pytest

from evalspan.errors import NotFoundError
from evalspan.experiments import Catalog, Experiment, NewExperiment
from evalspan.store import Store


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return Catalog(store)


@pytest.fixture
def project_id(catalog: Catalog) -> str:
    return catalog.projects.get_or_create("capitals").project_id


def test_an_existing_project_is_returned_unmodified(catalog: Catalog, project_id: str) -> None:
    again = catalog.projects.get_or_create("capitals", "a description that comes too late")
    assert (again.project_id, again.description) == (project_id, "")


def test_threads_that_create_one_project_at_once_get_one(catalog: Catalog) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(catalog.projects.get_or_create("shared").project_id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(catalog.projects.find(name="shared").items) == 1


def test_a_taken_experiment_name_gets_a_suffix_and_both_keep_the_logical_name(
    catalog: Catalog, project_id: str
) -> None:
    first, second = (
        catalog.experiments.create(NewExperiment(project_id=project_id, name="nightly")) for _ in "12"
    )
    assert first.experiment_name == "nightly"
    assert second.experiment_name.startswith("nightly-")
    assert {item.experiment_id for item in catalog.experiments.find(experiment="nightly").items} == {
        first.experiment_id,
        second.experiment_id,
    }


def test_without_ensure_unique_the_existing_experiment_is_returned(catalog: Catalog, project_id: str) -> None:
    new = NewExperiment(project_id=project_id, name="nightly", ensure_unique=False)
    first, second = catalog.experiments.create(new), catalog.experiments.create(new)
    assert first.model_dump(exclude={"revision"}) == second.model_dump(exclude={"revision"})


def test_an_update_changes_what_it_names_and_nothing_else(catalog: Catalog, project_id: str) -> None:
    made = catalog.experiments.create(
        NewExperiment(
            project_id=project_id, name="e", config={"model": "m"}, metadata={"n": 1, "s": "x"}, run_count=3
        )
    )
    catalog.experiments.update(made.experiment_id, status="failed", error="boom")
    read = catalog.experiments.get(made.experiment_id)
    fields = set(Experiment.model_fields) - {"status", "error", "updated_at", "revision"}
    assert (read.status, read.error) == ("failed", "boom")
    assert read.model_dump(include=fields) == made.model_dump(include=fields)


def test_pages_list_every_experiment_once_newest_first(catalog: Catalog, project_id: str) -> None:
    made = [catalog.experiments.create(NewExperiment(project_id=project_id, name=f"e{n}")) for n in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = catalog.experiments.find(project_id=project_id, limit=3, cursor=cursor)
        seen += [item.experiment_id for item in page.items]
        cursor = page.after
        if not cursor:
            break
    assert seen == [item.experiment_id for item in reversed(made)]


def test_an_experiment_of_an_unknown_project_or_dataset_is_refused(catalog: Catalog, project_id: str) -> None:
    with pytest.raises(NotFoundError, match="no project 'p'"):
        catalog.experiments.create(NewExperiment(project_id="p", name="e"))
    with pytest.raises(NotFoundError, match="no dataset 'd'"):
        catalog.experiments.create(NewExperiment(project_id=project_id, dataset_id="d", name="e"))
    with pytest.raises(NotFoundError, match="no experiment 'x'"):
        catalog.experiments.update("x", status="completed")


def test_the_experiments_view_shows_metadata_as_json_and_as_a_map(catalog: Catalog, project_id: str) -> None:
    metadata = {"commit": "abc123", "attempt": 2, "tags": ["branch:main"]}
    catalog.experiments.create(NewExperiment(project_id=project_id, name="e", metadata=metadata))
    [row] = catalog.store.query("SELECT metadata, metadata_map FROM experiments")
    assert row["metadata_map"] == {"commit": "abc123", "attempt": "2", "tags": '["branch:main"]'}
    assert row["metadata"] == '{"commit": "abc123", "attempt": 2, "tags": ["branch:main"]}'
