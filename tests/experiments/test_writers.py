"""Writers at once, in threads on the embedded engine and in two processes on a ClickHouse server:
no change is lost, no version has two contents, and what has one name is one thing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from evalspan.experiments import Catalog, NewExperiment
from evalspan.model import Record
from evalspan.store import Store

WRITER = """
import json, sys
from evalspan.experiments import Catalog, NewExperiment
from evalspan.model import Record
from evalspan.store import Store

address, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(address) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    catalog = Catalog(store)
    project = catalog.projects.get_or_create("p", f"made by {name}")
    dataset = catalog.datasets.get_or_create(project.project_id, "d")
    records = [Record(id=f"{name}{n}", input=n) for n in range(count)]
    change = catalog.records.change
    versions = [change(dataset.dataset_id, insert=[record], deduplicate=False).version for record in records]
    new = NewExperiment(project_id=project.project_id, dataset_id=dataset.dataset_id, name="e")
    unique = catalog.experiments.create(new)
    shared = catalog.experiments.create(new.model_copy(update={"name": "shared", "ensure_unique": False}))
    print(json.dumps({
        "project": project.project_id, "dataset": dataset.dataset_id, "versions": versions,
        "unique": unique.experiment_name, "shared": shared.experiment_id,
    }), flush=True)
"""


def test_parallel_appends_lose_nothing_and_use_each_version_once(embedded_store: Store) -> None:
    catalog = Catalog(embedded_store)
    project = catalog.projects.get_or_create("p")
    identity = catalog.datasets.get_or_create(project.project_id, "d").dataset_id

    def append(number: int) -> int:
        return catalog.records.change(identity, insert=[Record(id=f"r{number}", input=number)]).version

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(append, range(24)))
    assert sorted(versions) == list(range(1, 25))
    assert len(catalog.records.find(identity).items) == 24
    for number, version in enumerate(versions):
        found = catalog.records.find(identity, version=version).items
        assert len(found) == version
        assert f"r{number}" in {record.id for record in found}


def test_catalogs_that_know_nothing_of_each_other_agree(store: Store) -> None:
    """Each catalog has its own locks, so that only the store can settle who was first."""
    catalogs = [Catalog(store) for _ in range(4)]

    def create(catalog: Catalog) -> tuple[str, str, str]:
        project = catalog.projects.get_or_create("p")
        dataset = catalog.datasets.get_or_create(project.project_id, "d")
        new = NewExperiment(project_id=project.project_id, name="e", ensure_unique=False)
        return project.project_id, dataset.dataset_id, catalog.experiments.create(new).experiment_id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(create, catalogs))) == 1
        dataset_id = catalogs[0].datasets.find(name="d").items[0].dataset_id
        tasks = [(catalog, f"{number}-{n}") for number, catalog in enumerate(catalogs) for n in range(5)]

        def append(task: tuple[Catalog, str]) -> int:
            catalog, name = task
            return catalog.records.change(dataset_id, insert=[Record(id=name, input=name)]).version

        versions = list(pool.map(append, tasks))
    assert sorted(versions) == list(range(1, 21))
    assert len(catalogs[0].records.find(dataset_id).items) == 20


def test_two_services_on_one_server_agree(server_address: str) -> None:
    with Store(server_address):
        pass
    command = [sys.executable, "-c", WRITER, server_address]
    writers = [
        subprocess.Popen([*command, name, "15"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [json.loads(writer.communicate(timeout=120)[0]) for writer in writers]
    assert told[0]["project"] == told[1]["project"]
    assert told[0]["dataset"] == told[1]["dataset"]
    assert told[0]["shared"] == told[1]["shared"]
    assert Counter(each["unique"] == "e" for each in told) == {True: 1, False: 1}
    assert sorted(told[0]["versions"] + told[1]["versions"]) == list(range(1, 31))
    with Store(server_address) as store:
        catalog = Catalog(store)
        assert len(catalog.records.find(told[0]["dataset"]).items) == 30
        assert len(catalog.records.find(told[0]["dataset"], version=17).items) == 17


def test_what_a_killed_writer_left_behind_is_never_read(embedded_store: Store) -> None:
    catalog = Catalog(embedded_store)
    project = catalog.projects.get_or_create("p")
    identity = catalog.datasets.get_or_create(project.project_id, "d").dataset_id
    catalog.records.change(identity, insert=[Record(id="a", input=1)])
    # Rows without their claim: what there is when the process ends between the two.
    embedded_store.command(
        "INSERT INTO dataset_records_data "
        "SELECT * REPLACE ('ghost' AS record_id, 2 AS version, 'dead' AS change_id) FROM dataset_records_data"
    )
    changed = catalog.records.change(identity, insert=[Record(id="b", input=2)])
    assert changed.version == 2
    assert {record.id for record in catalog.records.find(identity).items} == {"a", "b"}
    assert embedded_store.query("SELECT count() AS n FROM dataset_records WHERE record_id = 'ghost'") == [
        {"n": 0}
    ]


@pytest.mark.parametrize("kind", ["project", "dataset"])
def test_a_name_given_up_by_renaming_or_deletion_is_free_again(embedded_store: Store, kind: str) -> None:
    catalog = Catalog(embedded_store)
    project = catalog.projects.get_or_create("p").project_id
    if kind == "project":
        names = catalog.projects

        def make() -> str:
            return catalog.projects.get_or_create("n").project_id
    else:
        names = catalog.datasets

        def make() -> str:
            return catalog.datasets.get_or_create(project, "n").dataset_id

    first = make()
    names.update(first, name="another")
    second = make()
    names.delete([second])
    third = make()
    assert len({first, second, third}) == 3
    assert make() == third
    names.delete([second])
    assert make() == third
