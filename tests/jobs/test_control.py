"""Cancelling, going on, drafts, and what is told meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evalspan.errors import ConflictError, NotFoundError, UsageError
from evalspan.experiments import documents
from evalspan.jobs.entry import entries
from evalspan.model import Record
from evalspan.store.retention import Policy, sweep
from jobs.workshop import PATIENCE, Workshop
from support.llm_wire import Trouble

STEPS: list[dict[str, Any]] = [{"type": "completion", "model": "gpt-4o-mini"}]


def begun(workshop: Workshop, calls: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(workshop.llm.calls) < calls:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_cancelled_job_asks_no_more_and_goes_on_where_it_was(workshop: Workshop) -> None:
    workshop.llm.hold()
    new = workshop.new(dataset_id=workshop.questions(6), steps=STEPS, concurrency=2)
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    begun(workshop, 2)
    assert workshop.jobs.cancel(workshop.catalog, experiment_id).status == "cancelled"
    assert workshop.jobs.cancel(workshop.catalog, experiment_id).status == "cancelled"
    stored = workshop.catalog.experiments
    deadline = time.monotonic() + PATIENCE
    while stored.get(experiment_id).status != "interrupted":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workshop.llm.release()
    assert len(workshop.llm.calls) == 2
    workshop.jobs.rerun(workshop.catalog, experiment_id)
    found = workshop.over(experiment_id, "completed")
    assert (found.done, len(workshop.llm.calls)) == (6, 8)


def test_only_what_failed_runs_again(workshop: Workshop) -> None:
    workshop.llm.troubles = {2: Trouble(400)}
    found = workshop.run(dataset_id=workshop.questions(4), steps=STEPS)
    assert (found.status, found.done, found.failed) == ("completed", 3, 1)
    workshop.jobs.rerun(workshop.catalog, found.experiment_id)
    again = workshop.over(found.experiment_id)
    assert (again.done, again.failed, len(workshop.llm.calls)) == (4, 0, 5)


def test_what_runs_again_leaves_nothing_of_the_earlier_attempt_in_its_results(workshop: Workshop) -> None:
    workshop.llm.troubles = {1: Trouble(503, retry_after=0), 3: Trouble(503, retry_after=0), 4: Trouble(400)}
    dataset = workshop.dataset([Record(input="two words", expected_output="two words")])
    found = workshop.run(dataset_id=dataset, steps=[*STEPS, *STEPS], evaluators=[workshop.evaluator()])
    (before,) = workshop.items(found.experiment_id)
    assert (found.status, before.status, found.spent_tokens) == ("failed", "failed", 4)
    workshop.jobs.rerun(workshop.catalog, found.experiment_id)
    again = workshop.over(found.experiment_id)
    assert (again.status, again.spent_tokens) == ("completed", 12)
    (item,) = workshop.items(found.experiment_id)
    assert item.id != before.id
    for identity in (before.id, before.span_id, item.id, item.span_id):
        assert workshop.jobs.item(workshop.catalog, found.experiment_id, identity) == item
    columns = "trace_id, status, total_tokens, scores"
    (row,) = workshop.rows(
        f"SELECT {columns} FROM experiment_results WHERE experiment_id = {{id:String}}", found.experiment_id
    )
    assert (row["trace_id"], row["status"], row["total_tokens"]) == (item.id, "ok", 8)
    assert len(row["scores"]) == 1


def test_what_a_killed_service_had_stored_of_an_item_does_not_count_beside_its_next_attempt(
    workshop: Workshop,
) -> None:
    workshop.llm.troubles = {1: Trouble(503, retry_after=0), 2: Trouble(503, retry_after=0)}
    found = workshop.run(dataset_id=workshop.dataset([Record(input="two words")]), steps=STEPS)
    store = workshop.catalog.store
    job = workshop.jobs.get(workshop.catalog, found.experiment_id)
    (entry,) = entries(store, found.experiment_id).values()
    entry.status = "running"  # as it stands when the spans are stored and it is not written down yet
    documents.put_all(store, [entry.document(job)])
    workshop.jobs.rerun(workshop.catalog, found.experiment_id)
    workshop.over(found.experiment_id)
    columns = "count() AS items, sum(total_tokens) AS tokens, sum(llm_calls) AS calls"
    (row,) = workshop.rows(
        f"SELECT {columns} FROM experiment_results WHERE experiment_id = {{id:String}}", found.experiment_id
    )
    assert (row["items"], row["tokens"], row["calls"]) == (1, 4, 1)


def test_a_draft_runs_once_it_has_a_workflow_and_a_dataset(workshop: Workshop) -> None:
    draft = workshop.jobs.submit(workshop.catalog, workshop.new())
    assert workshop.progress(draft.experiment_id).status == "draft"
    with pytest.raises(UsageError, match="draft without a workflow or a dataset"):
        workshop.jobs.rerun(workshop.catalog, draft.experiment_id)
    whole = workshop.new(dataset_id=workshop.questions(1), steps=STEPS)
    workshop.jobs.change(workshop.catalog, draft.experiment_id, whole)
    assert workshop.over(draft.experiment_id).status == "completed"
    stored = workshop.catalog.experiments.get(draft.experiment_id)
    assert (stored.dataset_id, stored.status) == (whole.dataset_id, "completed")
    with pytest.raises(ConflictError, match="was run"):
        workshop.jobs.change(workshop.catalog, draft.experiment_id, whole)


def test_a_job_that_is_over_is_not_cancelled(workshop: Workshop) -> None:
    found = workshop.run(dataset_id=workshop.questions(1), steps=STEPS)
    with pytest.raises(ConflictError, match="completed already"):
        workshop.jobs.cancel(workshop.catalog, found.experiment_id)


def test_a_removed_job_is_forgotten(workshop: Workshop) -> None:
    found = workshop.run(dataset_id=workshop.questions(2), steps=STEPS)
    workshop.jobs.remove(workshop.catalog, found.experiment_id)
    assert workshop.jobs.progress(workshop.catalog, [found.experiment_id]) == {}
    with pytest.raises(NotFoundError):
        workshop.jobs.items(workshop.catalog, found.experiment_id)


def test_what_is_kept_of_a_job_expires_with_its_experiment(workshop: Workshop) -> None:
    found = workshop.run(dataset_id=workshop.questions(1), steps=STEPS)
    sweep(workshop.catalog.store, Policy.parse(1, ""), datetime.now(UTC) + timedelta(days=2))
    assert workshop.jobs.progress(workshop.catalog, [found.experiment_id]) == {}
    assert documents.find(workshop.catalog.store, "job_item", parent=found.experiment_id) == []


def test_a_job_whose_experiment_is_deleted_is_let_go(workshop: Workshop) -> None:
    workshop.llm.hold()
    new = workshop.new(dataset_id=workshop.questions(1), steps=STEPS)
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    begun(workshop, 1)
    workshop.catalog.experiments.delete([experiment_id])
    workshop.llm.release()
    deadline = time.monotonic() + PATIENCE
    while workshop.jobs.progress(workshop.catalog, [experiment_id]):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_job_runs_the_records_that_there_were_when_it_was_asked_for(workshop: Workshop) -> None:
    workshop.llm.hold()
    dataset = workshop.questions(2)
    experiment_id = workshop.jobs.submit(
        workshop.catalog, workshop.new(dataset_id=dataset, steps=STEPS)
    ).experiment_id
    first = workshop.catalog.records.find(dataset).items[0]
    workshop.catalog.records.change(dataset, delete=[first.id])
    workshop.llm.release()
    assert workshop.over(experiment_id).done == 2


@pytest.mark.parametrize("field", ["dataset_id", "evaluators", "prompt"])
def test_what_is_not_there_is_named_before_anything_runs(workshop: Workshop, field: str) -> None:
    stated: dict[str, Any] = {"dataset_id": workshop.questions(1), "steps": STEPS}
    wrong: dict[str, dict[str, Any]] = {
        "dataset_id": {"dataset_id": "nowhere"},
        "evaluators": {"evaluators": ["nowhere"]},
        "prompt": {"steps": [{"type": "prompt", "prompt": "nowhere"}]},
    }
    with pytest.raises(NotFoundError, match="nowhere"):
        workshop.jobs.submit(workshop.catalog, workshop.new(**{**stated, **wrong[field]}))
