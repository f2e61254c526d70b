"""Experiments against the real service: what was run is what SQL finds."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from opentelemetry import baggage, trace

import evalspan
from evalspan.api.server import Service
from evalspan.sdk.lifecycle import Runtime
from sdk.conftest import Start
from sdk.samples import CAPITALS, capital, exact_match, judge, num_exact_matches, numbers, overlap, rows


def test_every_record_of_every_run_is_one_row_in_sql(runtime: Runtime) -> None:
    experiment = evalspan.experiment(
        name="rows",
        task=capital,
        dataset=CAPITALS,
        evaluators=[exact_match, overlap, judge],
        runs=3,
        metadata={"commit": "abc123"},
        tags=["suite:nightly"],
    )
    result = experiment.run(jobs=4)
    found = rows(
        runtime,
        """SELECT * FROM experiment_results
           WHERE experiment = 'rows' AND experiment_metadata['commit'] = 'abc123' AND run_iteration = 2
           ORDER BY record_id""",
    )
    assert [row["record_id"] for row in found] == ["china", "korea"]
    assert found[0]["scores"] == {"exact_match": 1, "overlap": 1}
    assert found[0]["labels"] == {"judge": "excellent"}
    assert found[0]["output"] == '"Beijing"'
    assert found[0]["metadata"] == {"difficulty": "easy", "weight": "2"}
    assert found[1]["tags"] == ["suite:nightly", "difficulty:hard", "env:prod"]
    assert len(result.rows) == 6
    assert found[0]["trace_id"] in {row.trace_id for row in result.rows}


def test_the_aggregates_of_the_result_are_those_of_the_views(runtime: Runtime) -> None:
    tries = iter(range(100))

    def varying(input_data: int) -> int:
        return input_data + next(tries) % 3

    def parity(output_data: int) -> str:
        return "even" if output_data % 2 == 0 else "odd"

    result = evalspan.experiment(
        name="aggregates",
        task=varying,
        dataset=numbers(5),
        evaluators=[exact_match, lambda output_data: output_data / 2, parity],
        runs=4,
    ).run(jobs=1)
    query = "SELECT * FROM experiment_summary WHERE experiment_id = {id:String}"
    found = {row["evaluator"]: row for row in rows(runtime, query, id=result.experiment_id)}
    assert set(found) == set(result.summary) == {"exact_match", "lambda_1", "parity"}
    for name, ours in result.summary.items():
        theirs = found[name]
        assert ours.mean == pytest.approx(theirs["mean"])
        assert ours.spread == pytest.approx(theirs["spread"])
        assert ours.mode == theirs["mode"]
        assert dict(ours.counts) == theirs["mode_counts"]
        assert (ours.n_records, ours.n_scores, ours.n_errors) == (5, 20, 0) == (
            theirs["n_records"], theirs["n_scores"], theirs["n_errors"],
        )  # fmt: skip


def test_summary_evaluators_see_each_run_once_and_are_stored_without_a_record(runtime: Runtime) -> None:
    result = evalspan.experiment(
        name="summaries", task=capital, dataset=CAPITALS, evaluators=[exact_match],
        summary_evaluators=[num_exact_matches], runs=2,
    ).run()  # fmt: skip
    assert [(s.run_iteration, s.evaluation.value) for s in result.summary_scores] == [(1, 1), (2, 1)]
    query = """SELECT run_iteration, record_id, score_value FROM evaluations
               WHERE experiment_id = {id:String} AND source = 'summary' ORDER BY ALL"""
    assert rows(runtime, query, id=result.experiment_id) == [
        {"run_iteration": 1, "record_id": "", "score_value": 1},
        {"run_iteration": 2, "record_id": "", "score_value": 1},
    ]


def test_the_decorator_makes_an_experiment_that_is_still_the_function(runtime: Runtime) -> None:
    @evalspan.experiment(name="decorated", dataset=numbers(2), evaluators=[exact_match])
    async def double(input_data: int) -> int:
        return input_data

    assert asyncio.run(double(7)) == 7
    assert double.run().summary["exact_match"].mean == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_jobs_bounds_how_many_cases_run_at_once(runtime: Runtime, kind: str) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def enter(step: int) -> None:
        nonlocal running, most
        with lock:
            running += step
            most = max(most, running)

    def sync_task(input_data: int) -> None:
        enter(1)
        time.sleep(0.03)
        enter(-1)

    async def async_task(input_data: int) -> None:
        enter(1)
        await asyncio.sleep(0.03)
        enter(-1)

    task = sync_task if kind == "sync" else async_task
    evalspan.experiment(name=f"jobs-{kind}", task=task, dataset=numbers(12)).run(jobs=3)
    assert most == 3


def test_ids_reach_every_span_of_the_task_and_baggage_holds_ids_only(runtime: Runtime) -> None:
    seen: dict[str, object] = {}

    def task(input_data: int) -> int:
        with runtime.provider.get_tracer("app").start_as_current_span("inner") as span:
            seen.update(baggage.get_all())
            span.set_attribute("app", True)
        return input_data

    result = evalspan.experiment(
        name="ids", task=task, dataset=numbers(1), metadata={"secret": "no header for this"}
    ).run()
    query = """SELECT name, experiment_id, record_id, run_iteration, parent_span_id FROM spans
               WHERE trace_id = {id:String} ORDER BY name"""
    case, inner = rows(runtime, query, id=result.rows[0].trace_id)
    assert (case["name"], case["parent_span_id"]) == ("ids", "")
    assert inner["parent_span_id"] == result.rows[0].span_id
    assert inner["experiment_id"] == result.experiment_id
    assert (inner["record_id"], inner["run_iteration"]) == ("r0", 1)
    assert sorted(seen) == [
        "evalspan.experiment.id", "evalspan.record.id", "evalspan.run.id", "evalspan.run_iteration",
    ]  # fmt: skip


def test_the_task_cannot_change_what_evaluators_and_later_runs_see(runtime: Runtime) -> None:
    def greedy(input_data: dict[str, int]) -> int:
        return input_data.pop("n")

    def untouched(input_data: dict[str, int]) -> bool:
        return input_data == {"n": 1}

    result = evalspan.experiment(
        name="greedy", task=greedy, dataset=[{"input": {"n": 1}}], evaluators=[untouched], runs=2
    ).run()
    assert [row.evaluations["untouched"].value for row in result.rows] == [True, True]


def test_compression_named_in_the_environment_is_used(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    start(service.endpoint)
    result = evalspan.experiment(name="gzip", task=lambda: "x" * 100_000, dataset=numbers(3)).run()
    assert result.delivery.complete


def test_run_works_where_an_event_loop_runs_already(runtime: Runtime) -> None:
    async def notebook() -> int:
        return len(evalspan.experiment(name="notebook", task=lambda: 1, dataset=numbers(2)).run().rows)

    assert asyncio.run(notebook()) == 2


async def test_arun_leaves_the_callers_loop_free(runtime: Runtime) -> None:
    experiment = evalspan.experiment(name="arun", task=lambda: time.sleep(0.1), dataset=numbers(6))
    ticks = 0
    running = asyncio.create_task(experiment.arun(jobs=2))
    while not running.done():
        ticks += 1
        await asyncio.sleep(0.01)
    assert (await running).status == "completed"
    assert ticks > 10


def test_sample_size_takes_the_first_records(runtime: Runtime) -> None:
    result = evalspan.experiment(name="sample", task=lambda: 1, dataset=numbers(9)).run(sample_size=2)
    assert [row.record_id for row in result.rows] == ["r0", "r1"]
    experiment = runtime.client.find_experiments(id=result.experiment_id)[0]
    assert experiment.attributes["expected_records"] == 2


def test_the_result_reads_as_a_table_and_converts_to_pandas(runtime: Runtime) -> None:
    result = evalspan.experiment(
        name="readable", task=capital, dataset=CAPITALS, evaluators=[exact_match, judge]
    ).run()
    text = repr(result)
    assert "readable: completed, 2 rows" in text
    assert "excellent (1), poor (1)" in text
    assert result.url in text
    frame = result.to_pandas()
    assert list(frame["exact_match"]) == [True, False]
    assert list(frame["record_id"]) == ["china", "korea"]


def test_a_progress_line_is_shown_when_asked_for_and_not_in_a_pipe(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    def fragile(input_data: int) -> float:
        return 1 / input_data

    experiment = evalspan.experiment(name="shown", task=fragile, dataset=numbers(3))
    experiment.run()
    assert capsys.readouterr().err == ""
    experiment.run(progress=True)
    assert "] 3/3, 1 failed" in capsys.readouterr().err


def test_the_span_of_the_caller_is_not_the_parent_of_a_case(runtime: Runtime) -> None:
    with runtime.provider.get_tracer("app").start_as_current_span("outer"):
        result = evalspan.experiment(name="roots", task=lambda: 1, dataset=numbers(2)).run()
        outer = format(trace.get_current_span().get_span_context().trace_id, "032x")
    assert len({row.trace_id for row in result.rows} | {outer}) == 3
