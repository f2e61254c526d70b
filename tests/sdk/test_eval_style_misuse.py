"""What goes wrong around `eval` and `eval_dataset`: a failure is a row, misuse is an error that says so."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import evalspan
from evalspan import TestCase, UsageError, eval, eval_dataset, experiment
from evalspan.errors import NotFoundError
from evalspan.sdk import finished
from evalspan.sdk.lifecycle import Runtime
from sdk.samples import numbers, rows

NOBODY = "00000000-0000-4000-8000-000000000000"


def fragile(case: TestCase[Any]) -> float:
    return 1 / case.inputs


async def test_a_case_that_fails_is_a_row_and_the_others_go_on(runtime: Runtime) -> None:
    @experiment
    async def failing() -> None:
        @eval(name="broken")
        async def broken() -> None:
            raise LookupError("nothing there")

        row = await broken()
        assert (row.error, row.error_type) == ("nothing there", "LookupError")
        found = await eval_dataset(data=numbers(3), interaction=fragile)
        assert [row.output for row in found] == [None, 1.0, 0.5]

    result = await failing()
    assert (result.status, len(result.failures)) == ("completed", 2)
    query = """SELECT record_id, error, error_type FROM experiment_results
               WHERE experiment_id = {id:String} AND status = 'error' ORDER BY record_id"""
    assert rows(runtime, query, id=result.experiment_id) == [
        {"record_id": "broken", "error": "nothing there", "error_type": "LookupError"},
        {"record_id": "r0", "error": "division by zero", "error_type": "ZeroDivisionError"},
    ]
    assert (result.name, ["broken", "r0"]) in finished()


async def test_a_body_that_raises_ends_what_it_started_and_what_was_done_is_delivered(
    runtime: Runtime,
) -> None:
    endless = asyncio.Event()

    @experiment(name="stopped")
    async def stopped() -> None:
        await eval("first", lambda: 1)
        waiting = asyncio.create_task(eval("second", endless.wait))
        await asyncio.sleep(0)
        assert not waiting.done()
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough") as caught:
        await stopped()
    assert "in the experiment 'stopped', http://" in caught.value.__notes__[0]
    [entity] = runtime.client.find_experiments(experiment="stopped")
    assert (entity.attributes["status"], entity.attributes["error"]) == ("interrupted", "enough")
    query = "SELECT record_id FROM experiment_results WHERE experiment_id = {id:String}"
    assert rows(runtime, query, id=entity.id) == [{"record_id": "first"}]


@pytest.mark.parametrize(
    ("value", "message"),
    [(math.nan, "which no average can hold"), (1.0, "Both the function and an evaluator gave the score 'x'")],
    ids=["nan", "twice"],
)
async def test_a_score_that_cannot_count_is_a_score_with_its_error(
    runtime: Runtime, value: float, message: str
) -> None:
    def x(output_data: Any) -> float:
        return 0.5

    evaluators = [x] if value == 1.0 else []

    @experiment
    async def scored() -> None:
        await eval("case", lambda: {"score.x": value}, evaluators=evaluators)

    result = await scored()
    query = """SELECT scores, evaluator_errors['x'] AS error FROM experiment_results
               WHERE experiment_id = {id:String}"""
    [found] = rows(runtime, query, id=result.experiment_id)
    assert found["scores"] == {}
    assert message in found["error"]


async def test_one_id_cannot_stand_for_two_inputs(runtime: Runtime) -> None:
    @experiment
    async def mixed() -> None:
        await eval_dataset(data=numbers(2), interaction=lambda case: case.id)
        other = [{"id": "r5", "input": 5}, {"id": "r1", "input": "one"}]
        with pytest.raises(UsageError, match=r"'r1' stands for two inputs.*\"one\""):
            await eval_dataset(data=other, interaction=lambda case: case.id)

    assert [row.record_id for row in (await mixed()).rows] == ["r0", "r1"]


async def test_an_eval_inside_a_case_is_that_cases_failure(runtime: Runtime) -> None:
    @experiment
    async def nested() -> None:
        row = await eval("outer", lambda: eval("inner", lambda: 1))
        assert row.error is not None
        assert "eval 'inner' stands inside another case" in row.error

    assert len((await nested()).rows) == 1


async def test_an_eval_after_the_end_is_refused(runtime: Runtime) -> None:
    go = asyncio.Event()

    async def late() -> None:
        await go.wait()
        await eval("late", lambda: 1)

    tasks: list[asyncio.Task[None]] = []

    @experiment
    async def over() -> None:
        tasks.append(asyncio.create_task(late()))
        await eval("in time", lambda: 1)

    result = await over()
    go.set()
    with pytest.raises(UsageError, match="is over"):
        await tasks[0]
    assert [row.record_id for row in result.rows] == ["in time"]


async def test_an_eval_on_another_event_loop_is_refused(runtime: Runtime) -> None:
    async def elsewhere() -> None:
        await eval_dataset(data=numbers(1), interaction=fragile)

    @experiment
    async def split() -> None:
        with pytest.raises(UsageError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, elsewhere())
        await eval("here", lambda: 1)

    assert [row.record_id for row in (await split()).rows] == ["here"]


async def test_outside_an_experiment_nothing_is_evaluated(runtime: Runtime) -> None:
    with pytest.raises(UsageError, match=r"eval 'alone' runs in an experiment only.*@evalspan.experiment"):
        await eval("alone", lambda: 1)
    with pytest.raises(UsageError, match="eval_dataset runs in an experiment only"):
        await eval_dataset(data=numbers(1), interaction=fragile)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pipeline_id": 42}, "pipeline_id=42 is not the id of a project"),
        ({"pipeline_id": "my-pipeline"}, "'my-pipeline' is not the id.*project="),
        ({"pipeline_id": NOBODY, "project": "p"}, "not both"),
        ({"evaluators": []}, "no evaluators= without dataset="),
        ({"tags": "one"}, "tags='one'"),
        ({"timeout": 0}, "timeout=0"),
        ({"name": "x", "task": len}, "has a task and no dataset="),
        ({"dataset": numbers(1), "task": len}, "needs a name"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_arguments_of_an_experiment_that_make_no_sense_are_refused(given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        experiment(**given)


def test_an_experiments_function_is_async_and_an_eval_has_a_name() -> None:
    sync: Any = lambda: None  # noqa: E731 (what the decorator is given by mistake)
    with pytest.raises(UsageError, match="async def"):
        experiment(sync)
    with pytest.raises(UsageError, match="eval needs a name"):
        eval(sync)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": []}, "no cases"),
        ({"data": "text"}, "data='text'"),
        ({"data": [{"inputs": 1, "nam": "x"}]}, "case 0: .*'nam'.*inputs, name, id"),
        ({"data": [{"input": 1}, 7]}, "case 1: a record is a mapping"),
        ({"data": lambda: None}, "data=None"),
        ({"interaction": 1}, "interaction=1"),
        ({"interaction": lambda: 1}, "a function of one test case"),
        ({"max_concurrency": 0}, "max_concurrency=0"),
        ({"schema": 5}, "schema=5"),
    ],
    ids=["empty", "text", "key", "case", "nothing", "number", "no-argument", "none-at-once", "schema"],
)
async def test_what_eval_dataset_cannot_run_is_refused_by_name(
    runtime: Runtime, given: Any, message: str
) -> None:
    options: dict[str, Any] = {"data": numbers(1), "interaction": fragile, **given}

    @experiment
    async def wrong() -> None:
        await eval_dataset(**options)

    with pytest.raises(UsageError, match=message):
        await wrong()


async def test_a_pipeline_that_does_not_exist_is_refused_before_anything_runs(runtime: Runtime) -> None:
    ran: list[int] = []

    @experiment(pipeline_id=NOBODY)
    async def nowhere() -> None:
        ran.append(1)

    with pytest.raises(NotFoundError, match=NOBODY):
        await nowhere()
    assert not ran


async def test_a_loss_is_an_error_that_holds_the_result(
    runtime: Runtime, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port}")
    evalspan.init(delivery_timeout=0.2)

    @experiment(name="lost")
    async def lost() -> None:
        await eval("case", lambda: 1)

    with pytest.raises(evalspan.DeliveryError, match="1 spans produced, 0 acknowledged") as caught:
        await lost()
    assert [row.output for row in getattr(caught.value, "result").rows] == [1]  # noqa: B009 (not on the root)
