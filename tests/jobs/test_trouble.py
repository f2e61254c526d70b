"""What goes wrong with one item, one experiment or one provider, and must not spread."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from evalspan.errors import UsageError
from evalspan.ingest import Ingest
from evalspan.jobs import Budget, Submission, state
from evalspan.jobs.entry import entries
from evalspan.jobs.execution import Execution
from evalspan.jobs.job import Job
from evalspan.jobs.leases import Leases
from evalspan.jobs.ledger import Ledger
from evalspan.jobs.providers import Providers
from evalspan.jobs.room import Room
from evalspan.jobs.turn import Turn
from evalspan.model import Record
from jobs.workshop import PATIENCE, Workshop
from support.llm_wire import Messages, Trouble
from support.process import wait_until

STEPS: list[dict[str, Any]] = [{"type": "completion", "model": "gpt-4o-mini", "max_tokens": 20}]


def test_half_a_character_in_an_answer_becomes_a_question_mark(workshop: Workshop) -> None:
    workshop.llm.answer = lambda model, messages: "bad \ud800 half"
    found = workshop.run(dataset_id=workshop.questions(3), steps=STEPS)
    assert (found.status, found.done, len(workshop.llm.calls)) == ("completed", 3, 3)
    assert {item.output for item in workshop.items(found.experiment_id)} == {"bad ? half"}


@pytest.mark.parametrize(
    ("content", "fails"),
    [
        (b"[" * 100_000, 1),
        (b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 1%s}}' % (b"0" * 30), 0),
        (b'{"choices": [{"message": {"content": "x"}}], "usage": "much"}', 0),
        (b"<html>", 1),
        (b"{}", 1),
    ],
    ids=["deep", "absurd usage", "no usage", "no JSON", "no choices"],
)
@pytest.mark.parametrize("budget", [{"tokens": 5000}, {"usd": 0.1}], ids=["tokens", "dollars"])
def test_an_answer_that_is_none_leaves_the_budget_to_the_others(
    workshop: Workshop, content: bytes, fails: int, budget: dict[str, Any]
) -> None:
    workshop.llm.troubles = {1: Trouble(200, content=content)}
    found = workshop.run(dataset_id=workshop.questions(6), steps=STEPS, budget=budget, concurrency=3)
    assert (found.status, found.done, found.failed) == ("completed", 6 - fails, fails)
    assert found.reserved_tokens > 20


def test_once_all_outputs_are_handed_in_and_judged_nothing_is_left_to_do(workshop: Workshop) -> None:
    new = workshop.new(
        dataset_id=workshop.questions(2), steps=[{"type": "wait"}], evaluators=[workshop.evaluator()]
    )
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    for item in workshop.items(experiment_id):
        workshop.jobs.submit_output(workshop.catalog, experiment_id, item.id, Submission(output="x"))
    workshop.over(experiment_id, "completed")
    store = workshop.catalog.store
    wait_until(lambda: experiment_id not in {each.experiment_id for each in state.open_jobs(store)}, PATIENCE)
    (before,) = state.states(store, [experiment_id]).values()
    time.sleep(0.5)
    assert state.states(store, [experiment_id]) == {experiment_id: before}


def test_what_is_handed_in_beside_an_output_waits_for_it(workshop: Workshop) -> None:
    new = workshop.new(
        dataset_id=workshop.questions(1), steps=[{"type": "wait"}], evaluators=[workshop.evaluator()]
    )
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    (item,) = workshop.items(experiment_id)

    def hand_in(**given: Any) -> str:
        given_in = Submission.model_validate(given)
        return workshop.jobs.submit_output(workshop.catalog, experiment_id, item.id, given_in).status

    assert hand_in(metadata={"a": 1}) == hand_in(metrics={"cost": 0.5}) == "waiting"
    assert hand_in(output=None) == "scoring"
    assert workshop.over(experiment_id, "completed").done == 1
    (after,) = workshop.items(experiment_id)
    assert (after.output, after.metadata["a"], after.metrics.cost) == (None, 1, 0.5)


def test_what_is_asked_anew_holds_for_what_is_left_of_a_running_job(workshop: Workshop) -> None:
    workshop.llm.hold()
    new = workshop.new(dataset_id=workshop.questions(6), steps=STEPS, concurrency=2)
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    wait_until(lambda: len(workshop.llm.calls) == 2, PATIENCE)
    store = workshop.catalog.store
    job = state.load(store, experiment_id)
    job.budget = Budget(tokens=1)
    state.save(store, job)
    state.ask(store, job, "run")  # as another service does after a cancel that this one did not see
    workshop.jobs.submit(workshop.catalog, workshop.new())
    assert workshop.over(experiment_id, "paused").done == 0
    workshop.llm.release()
    assert len(workshop.llm.calls) == 2


def test_a_provider_that_does_not_answer_keeps_no_other_experiment_waiting(workshop: Workshop) -> None:
    released = threading.Event()

    def answer(model: str, messages: Messages) -> str:
        if not model.startswith("narrow"):
            released.wait(PATIENCE)
        return "fine"

    workshop.llm.answer = answer
    slow = [
        workshop.jobs.submit(workshop.catalog, workshop.new(dataset_id=workshop.questions(20), steps=STEPS))
        for _ in range(3)
    ]
    wait_until(lambda: len(workshop.llm.calls) >= 16, PATIENCE)
    found = workshop.run(
        dataset_id=workshop.questions(5), steps=[{"type": "completion", "model": "narrow-1"}]
    )
    assert (found.status, found.done) == ("completed", 5)
    for job in slow:
        workshop.jobs.cancel(workshop.catalog, job.experiment_id)
    released.set()


def test_nothing_of_a_cancelled_job_is_left_running(workshop: Workshop) -> None:
    workshop.llm.latency = 0.02
    new = workshop.new(dataset_id=workshop.questions(60), steps=STEPS, evaluators=[workshop.evaluator()])
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    wait_until(lambda: len(workshop.llm.calls) >= 15, PATIENCE)
    workshop.jobs.cancel(workshop.catalog, experiment_id)
    store = workshop.catalog.store
    wait_until(
        lambda: not [each for each in state.open_jobs(store) if each.experiment_id == experiment_id], 60
    )
    kept = entries(store, experiment_id)
    assert "running" not in {each.status for each in kept.values()}
    with_output = sum(each.status in ("scoring", "done") for each in kept.values())
    columns = "count() AS items"
    (row,) = workshop.rows(
        f"SELECT {columns} FROM experiment_results WHERE experiment_id = {{id:String}}", experiment_id
    )
    assert row["items"] == with_output


def test_what_was_answered_is_stored_although_its_job_is_cancelled_meanwhile(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = Ingest.export

    async def slow(self: Ingest, *given: Any, **more: Any) -> Any:
        await asyncio.sleep(1)
        return await export(self, *given, **more)

    released = threading.Event()

    def answer(model: str, messages: Messages) -> str:
        """One of them is still waited for when the job is cancelled; it ends at once."""
        if "question 3" in str(messages):
            released.wait(PATIENCE)
        return "fine"

    monkeypatch.setattr(Ingest, "export", slow)
    workshop.llm.answer = answer
    new = workshop.new(dataset_id=workshop.questions(4), steps=STEPS)
    experiment_id = workshop.jobs.submit(workshop.catalog, new).experiment_id
    wait_until(lambda: len(workshop.llm.answered) == 3, PATIENCE)
    time.sleep(0.3)
    workshop.jobs.cancel(workshop.catalog, experiment_id)
    store = workshop.catalog.store
    wait_until(lambda: experiment_id not in {each.experiment_id for each in state.open_jobs(store)}, PATIENCE)
    released.set()
    statuses = sorted(each.status for each in entries(store, experiment_id).values())
    assert statuses == ["pending", "scoring", "scoring", "scoring"]
    workshop.jobs.rerun(workshop.catalog, experiment_id)
    assert workshop.over(experiment_id, "completed").done == 4
    assert len(workshop.llm.calls) == 5  # the one that nobody saw the answer of is asked again


async def test_who_lost_the_lease_does_not_say_how_the_job_ended(workshop: Workshop) -> None:
    class Lost(Leases):
        def holds(self, experiment_id: str) -> bool:
            return False

    found = workshop.run(dataset_id=workshop.questions(1), steps=STEPS)
    store = workshop.catalog.store
    before = state.states(store, [found.experiment_id])
    job = state.load(store, found.experiment_id)
    job.asked = "cancel"

    def execution(job: Job, ledger: Ledger) -> Execution:
        raise AssertionError("nothing is to be run")

    turn = Turn(workshop.catalog, job, Lost(store, "us", 30), Room(1), execution, lambda: False, job.turn + 1)
    await turn.run()
    assert state.states(store, [found.experiment_id]) == before


def test_an_experiment_of_which_nothing_is_left_stays_completed(workshop: Workshop) -> None:
    found = workshop.run(dataset_id=workshop.dataset([Record(input="hello")]), steps=STEPS)
    workshop.jobs.rerun(workshop.catalog, found.experiment_id)
    assert workshop.progress(found.experiment_id).status == "completed"


def test_a_key_is_sent_without_the_newline_of_its_file_and_never_told(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai\n")
    workshop.run(dataset_id=workshop.questions(1), steps=STEPS)
    assert workshop.llm.calls[0].headers["authorization"] == "Bearer key-of-openai"
    monkeypatch.setenv("OPENAI_API_KEY", "key\nof openai")
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds characters") as refused:
        workshop.jobs.submit(workshop.catalog, workshop.new(dataset_id=workshop.questions(1), steps=STEPS))
    assert "key\nof" not in str(refused.value)


def test_a_key_that_was_written_into_the_file_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[openai]\napi_key = "sk-secret"\n')
    with pytest.raises(UsageError, match="api_key") as refused:
        Providers(str(file))
    assert "sk-secret" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://", "http://[bad", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(f"[openai]\nbase_url = {address!r}\n")
    with pytest.raises(UsageError, match="provider 'openai': base_url"):
        Providers(str(file))
