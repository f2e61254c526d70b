"""`@experiment`, `eval` and `eval_dataset` against the real service: what was evaluated is what SQL finds."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import trace
from pydantic import BaseModel
from typing_extensions import TypedDict

import evalspan
from evalspan import Dataset, EvaluatorResult, Row, TestCase, TestInput, eval, eval_dataset, experiment
from evalspan.sdk.lifecycle import Runtime
from sdk.samples import CAPITALS, capital, exact_match, judge, numbers, rows

RESULTS = """SELECT record_id, run_iteration, input, output, expected_output, status, error, error_type,
    scores, labels, metadata, tags, experiment_metadata, dataset, dataset_version
    FROM experiment_results WHERE experiment_id = {id:String} ORDER BY record_id, run_iteration"""
KEYS = """SELECT arraySort(mapKeys(attributes)) AS keys FROM spans
    WHERE experiment_id = {id:String} AND span_type = {type:String} ORDER BY record_id"""


async def once(data: Any, interaction: Any, **options: Any) -> tuple[evalspan.ExperimentResult, list[Row]]:
    """An experiment of one `eval_dataset`, and what that returned."""
    found: list[Row] = []

    @experiment(name="once")
    async def body() -> None:
        found.extend(await eval_dataset(data=data, interaction=interaction, **options))

    return await body(), found


async def test_both_styles_make_the_same_rows_of_the_same_records(runtime: Runtime) -> None:
    dataset = Dataset(CAPITALS, name="capitals-of-both")
    metadata, tags, evaluators = {"commit": "abc"}, ["suite:x"], [exact_match, judge]

    @experiment(name="both", metadata=metadata, tags=tags)
    async def evals() -> None:
        await eval_dataset(data=dataset, interaction=lambda case: capital(case.inputs), evaluators=evaluators)

    classic = experiment(
        name="both", task=capital, dataset=dataset, evaluators=evaluators, metadata=metadata, tags=tags
    ).run()
    result = await evals()
    assert rows(runtime, RESULTS, id=result.experiment_id) == rows(runtime, RESULTS, id=classic.experiment_id)
    for kind in ("CASE", "EVALUATOR"):
        theirs, ours = (rows(runtime, KEYS, id=each.experiment_id, type=kind) for each in (classic, result))
        assert ours == theirs
    assert {name: item.mean for name, item in result.summary.items()} == {
        name: item.mean for name, item in classic.summary.items()
    }
    assert result.url.endswith(result.experiment_id)


async def test_every_awaited_eval_is_a_row_with_its_arguments_as_input(runtime: Runtime) -> None:
    @experiment(project="letters")
    async def shouting() -> None:
        @eval(name="shout", metadata={"level": 2}, tags=["kind:word"], expected_output="HO")
        def shout(text: str, times: int = 1) -> str:
            return text.upper() * times

        assert (await shout("hi")).output == "HI"
        assert (await shout("ho", times=2)).output == "HOHO"
        await eval("constant", lambda: 7)

    result = await shouting()
    found = rows(runtime, RESULTS, id=result.experiment_id)
    assert {(row["input"], row["output"]) for row in found} == {
        ('{"text": "hi"}', '"HI"'), ('{"text": "ho", "times": 2}', '"HOHO"'), ("null", "7"),
    }  # fmt: skip
    assert [row["record_id"].partition(":")[0] for row in found] == ["constant", "shout", "shout"]
    assert found[1]["metadata"] == {"name": "shout", "level": "2"}
    assert found[1]["tags"] == ["kind:word"]
    assert found[1]["expected_output"] == '"HO"'
    query = "SELECT DISTINCT project FROM experiment_results WHERE experiment_id = {id:String}"
    assert rows(runtime, query, id=result.experiment_id) == [{"project": "letters"}]


async def test_a_record_that_runs_again_is_its_next_run_iteration(runtime: Runtime) -> None:
    cases = [TestInput(inputs={"n": n}, name=f"n{n}") for n in range(2)]

    @experiment
    async def again() -> None:
        for _ in range(2):
            await eval_dataset(data=cases, interaction=lambda case: case.inputs["n"])
        await asyncio.gather(*(eval("noise", lambda: 1) for _ in range(3)))
        twice = [{"id": "given", "input": 5}] * 2
        assert [row.run_iteration for row in await eval_dataset(data=twice, interaction=len_of)] == [1, 2]

    result = await again()
    counted = """SELECT groupArray(n) AS found FROM (SELECT count() AS n FROM experiment_results
                 WHERE experiment_id = {id:String} GROUP BY record_id ORDER BY n)"""
    assert rows(runtime, counted, id=result.experiment_id) == [{"found": [2, 2, 2, 3]}]
    iterations = [row.run_iteration for row in result.rows]
    assert iterations == sorted(iterations)
    assert {row.record_id for row in result.rows if row.run_iteration == 3} == {"noise"}


def len_of(case: TestCase[Any]) -> int:
    return len(str(case.inputs))


async def test_scores_are_what_is_called_score_and_evaluator_results(runtime: Runtime) -> None:
    @experiment()
    async def scored() -> None:
        @eval(name="mapping")
        async def mapping() -> dict[str, Any]:
            trace.get_current_span().set_attributes({"score.on_span": 0.25, "score.exact": False, "other": 1})
            return {
                "score.exact": True,
                "score.judged": EvaluatorResult("good", reasoning="short"),
                "score.note": "not a number",
                "score.": 1,
                "plain": 3,
            }

        await mapping()
        await eval("quality", lambda: EvaluatorResult(0.5, reasoning="half", assessment="pass"))
        await eval("bare", lambda: 0.9)
        await eval_dataset(data=[{"id": "given", "input": 1}], interaction=len_of)

    result = await scored()
    found = {row["record_id"]: row for row in rows(runtime, RESULTS, id=result.experiment_id)}
    assert found["mapping"]["scores"] == {"exact": 1, "on_span": 0.25}
    assert found["mapping"]["labels"] == {"judged": "good"}
    assert (found["quality"]["scores"], found["quality"]["output"]) == ({"quality": 0.5}, "0.5")
    assert (found["bare"]["scores"], found["bare"]["output"]) == ({"bare": 0.9}, "0.9")
    assert (found["given"]["scores"], found["given"]["output"]) == ({}, "1")
    query = """SELECT type, explanation, assessment FROM evaluations
               WHERE experiment_id = {id:String} AND name IN ('exact', 'quality') ORDER BY name"""
    assert rows(runtime, query, id=result.experiment_id) == [
        {"type": "boolean", "explanation": "", "assessment": ""},
        {"type": "score", "explanation": "half", "assessment": "pass"},
    ]


class Question(BaseModel):
    text: str
    limit: int = 10


class Shape(TypedDict):
    text: str


async def test_a_schema_converts_inputs_and_a_case_that_does_not_fit_is_a_failed_row(
    runtime: Runtime,
) -> None:
    seen: list[Any] = []

    def take(case: TestCase[Question]) -> str:
        seen.append(case.inputs)
        return case.parsed.text * case.parsed.limit

    data = [{"inputs": {"text": "a", "limit": "2"}, "name": "fits"}, {"inputs": {"limit": 1}}]
    result, (good, bad) = await once(data, take, schema=Question)
    assert (good.output, seen) == ("aa", [{"text": "a", "limit": 2}])
    assert (bad.error_type, result.failures) == ("ValidationError", [bad])
    assert bad.error is not None
    assert "text" in bad.error
    _, [typed] = await once(data[:1], lambda case: sorted(case.parsed), schema=Shape)
    assert typed.output == ["text"]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("limit", "most"), [(3, 3), (None, 12)])
async def test_max_concurrency_bounds_how_many_cases_run_at_once(
    runtime: Runtime, kind: str, limit: int | None, most: int
) -> None:
    lock, running, seen = threading.Lock(), 0, 0
    together = threading.Barrier(most)

    def enter(step: int) -> None:
        nonlocal running, seen
        with lock:
            running += step
            seen = max(seen, running)

    def sync_task(case: TestCase[Any]) -> None:
        enter(1)
        together.wait(60)
        enter(-1)

    async def async_task(case: TestCase[Any]) -> None:
        enter(1)
        await asyncio.to_thread(time.sleep, 0.01)
        while seen < most:  # noqa: ASYNC110 - another case brings it about
            await asyncio.sleep(0.01)
        enter(-1)

    task = sync_task if kind == "sync" else async_task
    result, _ = await once(numbers(12), task, max_concurrency=limit)
    assert (seen, result.failures) == (most, [])


async def test_data_may_be_a_stored_dataset_or_a_function_that_gives_cases(runtime: Runtime) -> None:
    stored = Dataset(numbers(3), name="from-the-service").push()

    async def fetch() -> Sequence[evalspan.Record]:
        return list(await asyncio.to_thread(Dataset.pull, "from-the-service"))

    def take(case: TestCase[Any]) -> list[Any]:
        case.tags.append("mine")
        return [case.id, case.inputs, case.expected_outputs]

    pulled, _ = await once(lambda: Dataset.pull("from-the-service"), take)
    query = """SELECT DISTINCT dataset_id, dataset, dataset_version FROM experiment_results
               WHERE experiment_id = {id:String}"""
    assert rows(runtime, query, id=pulled.experiment_id) == [
        {"dataset_id": stored.id, "dataset": "from-the-service", "dataset_version": stored.version}
    ]
    fetched, found = await once(fetch, take)
    assert [row.output for row in found] == [["r0", 0, 0], ["r1", 1, 1], ["r2", 2, 2]]
    assert rows(runtime, query, id=fetched.experiment_id) == [
        {"dataset_id": "", "dataset": "", "dataset_version": None}
    ]


async def test_what_was_started_and_not_awaited_belongs_to_the_experiment(runtime: Runtime) -> None:
    @experiment()
    async def hasty() -> None:
        asyncio.create_task(eval_dataset(data=numbers(5), interaction=len_of, max_concurrency=2))  # noqa: RUF006
        asyncio.create_task(eval("late", lambda: time.sleep(0.05)))  # noqa: RUF006

    result = await hasty()
    assert (len(result.rows), result.missing) == (6, 0)
    query = "SELECT count() AS n FROM experiment_results WHERE experiment_id = {id:String}"
    assert rows(runtime, query, id=result.experiment_id) == [{"n": 6}]


async def test_spans_of_the_function_belong_to_the_case(runtime: Runtime) -> None:
    def traced(case: TestCase[Any]) -> str:
        with evalspan.span("step", input=case.inputs):
            return "done"

    _, [row] = await once(numbers(1), traced)
    query = """SELECT name, parent_span_id, record_id, run_iteration FROM spans
               WHERE trace_id = {id:String} AND span_type != 'CASE'"""
    assert rows(runtime, query, id=row.trace_id) == [
        {"name": "step", "parent_span_id": row.span_id, "record_id": "r0", "run_iteration": 1}
    ]
