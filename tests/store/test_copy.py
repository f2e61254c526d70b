"""A store copied into another reads the same, however often and from wherever the copy is started."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from evalspan.errors import ConflictError, UsageError
from evalspan.experiments import Catalog, NewExperiment, RecordUpdate, documents
from evalspan.model import Record
from evalspan.store import Store
from evalspan.store.copy import Copied, copy
from support.clickhouse_cluster import NAME
from support.command import Evalspan
from support.rows import START, Row, add, case, llm, score, span, summary

AWKWARD = "tab\t, newline\n, nul\0, quotes ' \" ` \\, 🦉, \u202e, {x:String}, NULL, \\N"

VIEWS = (
    "projects", "datasets", "dataset_records", "experiments", "spans", "evaluations", "experiment_results",
    "experiment_records", "logs", "metric_points",
)  # fmt: skip


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A server with nothing on it, or two shards."""
    on_cluster = getattr(request, "param", "server") == "cluster"
    address = str(request.getfixturevalue("cluster_address" if on_cluster else "server_address"))
    with Store(address, cluster=NAME if on_cluster else "") as opened:
        yield opened


def fill(store: Store) -> None:
    """Rows of every table: changed, deleted, superseded, resent, and awkward to write down."""
    catalog = Catalog(store)
    project = catalog.projects.get_or_create("p", AWKWARD).project_id
    catalog.projects.update(project, description=f"second {AWKWARD}")
    catalog.projects.delete([catalog.projects.get_or_create("gone").project_id])
    dataset = catalog.datasets.get_or_create(project, "d", metadata={"text": AWKWARD}).dataset_id
    records = [Record(id=f"r{n}", input={"q": AWKWARD, "n": n}, tags=["a:b"]) for n in range(5)]
    catalog.records.change(dataset, insert=records)
    catalog.records.change(dataset, delete=["r1"], update=[RecordUpdate("r2", {"input": "changed"})])
    note = documents.create(store, "note", "1", {"text": AWKWARD}, project_id=project)
    documents.put(store, note.model_copy(update={"name": AWKWARD}))
    new = NewExperiment(project_id=project, dataset_id=dataset, name="e", metadata={"commit": "abc"})
    experiment = catalog.experiments.create(new).experiment_id
    catalog.experiments.update(experiment, description=AWKWARD, dataset_version=1)
    catalog.experiments.delete([catalog.experiments.create(new).experiment_id])
    calls = [llm(f"r{n}", experiment=experiment, cost=None if n else "0.1") for n in range(3)]
    cases = [case(f"r{n}", experiment=experiment, output=AWKWARD, tags=["x"]) for n in range(3)]
    add(store, *cases, *calls, *calls, case("r0", experiment=experiment, trace="again", at=9))
    scores = [score("judge", 0.5, f"r{n}", experiment=experiment, explanation=AWKWARD) for n in range(3)]
    add(store, *scores, *scores, score("tone", "kind", "r1", experiment=experiment, json_value='{"a": 1}'))
    add(store, score("judge", 0.9, "r1", experiment=experiment), summary("f1", 0.7, experiment=experiment))
    add(store, span("again", "other service", span_type="LLM", cost_usd=None), span("no case", "s", at=-9e8))
    log = {"service_name": "s", "timestamp": START, "content_hash": 2**64 - 1, "body": AWKWARD}
    add(store, Row("logs_data", log), Row("logs_data", log))
    point = {"metric": "m", "series_hash": 7, "timestamp": START, "value_double": float("nan")}
    add(store, Row("metric_points_data", point | {"quantiles": [(0.5, 1.0)], "bucket_counts": [1, 2]}))


def contents(store: Store, views: Sequence[str] = VIEWS) -> dict[str, list[Any]]:
    """All of the views that people read."""
    found: dict[str, list[Any]] = {}
    for view in views:
        rows = store.query(f"SELECT formatRow('JSONEachRow', *) AS row FROM {view} ORDER BY row")
        # Parsed: the keys of a map have no order.
        found[view] = sorted(
            (json.loads(row["row"]) for row in rows), key=lambda row: json.dumps(row, sort_keys=True)
        )
    return found


def sent(copied: list[Copied]) -> int:
    return sum(each.copied for each in copied)


@pytest.mark.parametrize("target", ["server", "cluster"], indirect=True)
def test_a_copy_reads_as_the_original_in_every_view_and_a_second_copy_does_nothing(
    embedded_store: Store, target: Store
) -> None:
    fill(embedded_store)
    before = contents(embedded_store)
    assert all(before[view] for view in VIEWS)
    first = copy(embedded_store, target)
    assert all(each.copied == each.rows > 0 for each in first)
    assert contents(target) == before
    assert sent(copy(embedded_store, target)) == 0
    assert target.query("SELECT count() AS n FROM claims_data") == embedded_store.query(
        "SELECT count() AS n FROM claims_data"
    )


@pytest.mark.parametrize("target", ["cluster"], indirect=True)
def test_a_cluster_is_copied_back_into_one_folder(target: Store, embedded_store: Store) -> None:
    fill(target)
    copy(target, embedded_store)
    views = ("spans", "evaluations", "experiments", "dataset_records")
    assert contents(embedded_store, views) == contents(target, views)


def test_the_copy_goes_on_as_the_original_would(embedded_store: Store, target: Store) -> None:
    fill(embedded_store)
    copy(embedded_store, target)
    for store in (embedded_store, target):
        catalog = Catalog(store)
        (dataset,) = catalog.datasets.find(name="d").items
        changed = catalog.records.change(dataset.dataset_id, insert=[Record(id="new", input=1)])
        assert changed.version == 3
        assert {record.id for record in catalog.records.find(dataset.dataset_id).items} == {
            "r0", "r2", "r3", "r4", "new",
        }  # fmt: skip
        again = NewExperiment(project_id=dataset.project_id, name="e", ensure_unique=False)
        assert catalog.experiments.create(again).metadata == {"commit": "abc"}


def test_a_copy_that_was_cut_short_goes_on_where_it_was(embedded_store: Store, target: Store) -> None:
    fill(embedded_store)

    def stop(table: str, done: int, total: int) -> None:
        if table == "spans_data" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(embedded_store, target, stop)
    rest = {each.table: each.copied for each in copy(embedded_store, target)}
    assert rest["experiments_data"] == rest["claims_data"] == 0
    assert 0 < rest["spans_data"] < 9
    views = ("spans", "evaluations", "experiments")
    assert contents(target, views) == contents(embedded_store, views)


def test_what_changed_since_in_the_source_is_sent_and_what_the_target_has_newer_stays(
    embedded_store: Store, target: Store
) -> None:
    fill(embedded_store)
    copy(embedded_store, target)
    (project,) = Catalog(target).projects.find(name="p").items
    Catalog(target).projects.update(project.project_id, description="changed in the target")
    add(embedded_store, score("judge", 0.1, "r0", experiment="e9"))
    result = {each.table: (each.copied, each.newer) for each in copy(embedded_store, target)}
    assert result["evaluations_data"] == (1, 0)
    assert result["projects_data"][1] == 1
    assert Catalog(target).projects.get(project.project_id).description == "changed in the target"


def test_two_stores_that_changed_one_dataset_apart_are_not_mixed(
    embedded_store: Store, target: Store
) -> None:
    fill(embedded_store)
    copy(embedded_store, target)
    for store in (embedded_store, target):
        (dataset,) = Catalog(store).datasets.find(name="d").items
        Catalog(store).records.change(dataset.dataset_id, insert=[Record(id=str(store.dsn), input=1)])
    with pytest.raises(ConflictError, match="changes of their own to dataset_change"):
        copy(embedded_store, target)


def test_a_large_part_goes_in_slices(embedded_store: Store, target: Store) -> None:
    embedded_store.command(
        "INSERT INTO spans_data (experiment_id, trace_id, span_id, start_time, received_at) "
        "SELECT 'e', toString(number), 's', toDateTime64('2026-01-01', 9, 'UTC'), now64(6) "
        "FROM numbers(120000)"
    )
    steps: list[int] = []
    copied = copy(embedded_store, target, lambda table, done, total: steps.append(done))
    assert sent(copied) == 120_000
    assert target.query("SELECT uniqExact(trace_id) AS n FROM spans") == [{"n": 120_000}]


def test_a_store_is_not_copied_into_itself(embedded_store: Store) -> None:
    with pytest.raises(UsageError, match="both where to copy from and where to copy to"):
        copy(embedded_store, embedded_store)


def test_the_command_prints_what_was_copied(evalspan: Evalspan, server_address: str) -> None:
    with_data = evalspan("query", "SELECT 1", "--store", server_address)
    assert with_data.returncode == 0
    made = evalspan("copy", "--from", server_address, "--to", "chdb://copied")
    assert made.returncode == 0, made.stderr
    assert "spans" in made.stdout
    assert made.stderr == ""
    both = evalspan("copy", "--from", "chdb://copied", "--to", "chdb://again")
    assert both.returncode == 2
    assert "copy the folder" in both.stderr
    absent = evalspan("copy", "--from", "chdb://nowhere", "--to", server_address)
    assert absent.returncode == 2
    assert "There is no store in" in absent.stderr
