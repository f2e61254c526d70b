"""What goes wrong in an experiment is a result, or an error that says so; never a silent loss."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import evalspan
from evalspan import DeliveryError, TaskError, UsageError
from evalspan.api.server import Service
from evalspan.sdk import finished
from evalspan.sdk.lifecycle import Runtime
from sdk.collector import Answer, Collector
from sdk.conftest import Start
from sdk.samples import exact_match, numbers, rows


def test_a_failed_task_is_a_row_with_its_error_and_no_scores(runtime: Runtime) -> None:
    def fragile(input_data: int) -> int:
        if input_data == 1:
            raise ValueError("one is not enough")
        return input_data

    result = evalspan.experiment(
        name="failing", task=fragile, dataset=numbers(3), evaluators=[exact_match]
    ).run()
    assert [(row.record_id, row.error, row.error_type) for row in result.failures] == [
        ("r1", "one is not enough", "ValueError")
    ]
    assert result.summary["exact_match"].mean == 1
    query = """SELECT record_id, error, error_type, scores FROM experiment_results
               WHERE experiment_id = {id:String} AND status = 'error'"""
    assert rows(runtime, query, id=result.experiment_id) == [
        {"record_id": "r1", "error": "one is not enough", "error_type": "ValueError", "scores": {}}
    ]
    assert result.status == "completed"


def test_a_failed_evaluator_is_a_score_with_its_error(runtime: Runtime) -> None:
    def broken(output_data: int) -> float:
        return 1 / output_data

    result = evalspan.experiment(
        name="broken", task=lambda input_data: input_data, dataset=numbers(3), evaluators=[broken]
    ).run()
    assert result.summary["broken"].n_errors == 1
    assert result.summary["broken"].mean == pytest.approx(0.75)
    query = """SELECT error, error_type FROM evaluations
               WHERE experiment_id = {id:String} AND record_id = 'r0'"""
    assert rows(runtime, query, id=result.experiment_id) == [
        {"error": "division by zero", "error_type": "ZeroDivisionError"}
    ]


def test_raise_errors_stops_at_the_first_failure_and_marks_the_run_interrupted(runtime: Runtime) -> None:
    def fragile(input_data: int) -> int:
        if input_data == 3:
            raise ValueError("three")
        return input_data

    experiment = evalspan.experiment(name="strict", task=fragile, dataset=numbers(50))
    with pytest.raises(TaskError, match=r"r3.*three") as caught:
        experiment.run(jobs=1, raise_errors=True)
    assert isinstance(caught.value.__cause__, ValueError)
    assert experiment.result is not None
    assert [row.record_id for row in experiment.result.rows] == ["r0", "r1", "r2"]
    assert runtime.client.find_experiments(id=experiment.id)[0].attributes["status"] == "interrupted"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_task_over_its_time_is_an_error_row_and_the_run_goes_on(runtime: Runtime, kind: str) -> None:
    def sync_task(input_data: int) -> int:
        time.sleep(3 if input_data == 0 else 0)
        return input_data

    async def async_task(input_data: int) -> int:
        await asyncio.sleep(3 if input_data == 0 else 0)
        return input_data

    task = sync_task if kind == "sync" else async_task
    experiment = evalspan.experiment(name=f"slow-{kind}", task=task, dataset=numbers(4))
    result = experiment.run(jobs=1, timeout=0.2, retries=0)
    assert [(row.record_id, row.error_type) for row in result.failures] == [("r0", "TimeoutError")]
    assert result.failures[0].error == "no answer within 0.2 s"
    assert len(result.rows) == 4


def test_an_apps_sampler_does_not_delete_cases(service: Service, start: Start) -> None:
    runtime = start(service.endpoint, TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    result = evalspan.experiment(name="sampled", task=lambda: 1, dataset=numbers(3)).run()
    query = "SELECT count() AS n FROM experiment_results WHERE experiment_id = {id:String}"
    assert rows(runtime, query, id=result.experiment_id) == [{"n": 3}]


def test_an_apps_span_limits_do_not_cut_cases(service: Service, start: Start) -> None:
    limits = SpanLimits(max_span_attributes=20, max_span_attribute_length=30)
    runtime = start(service.endpoint, TracerProvider(span_limits=limits, shutdown_on_exit=False))
    record = {"input": "x" * 500, "metadata": {f"key-{n}": n for n in range(200)}}
    result = evalspan.experiment(name="limited", task=lambda input_data: input_data, dataset=[record]).run()
    query = """SELECT length(output) AS size, length(metadata) AS keys, experiment FROM experiment_results
               WHERE experiment_id = {id:String}"""
    found = rows(runtime, query, id=result.experiment_id)
    assert found == [{"size": 502, "keys": 200, "experiment": "limited"}]


def test_retries_are_counted_on_the_row_and_on_the_case_span(runtime: Runtime) -> None:
    attempts: list[int] = []

    def flaky() -> str:
        attempts.append(1)
        if len(attempts) < 2:
            raise ConnectionError("reset")
        return "fine"

    result = evalspan.experiment(name="flaky", task=flaky, dataset=numbers(1)).run()
    assert (result.rows[0].retries, result.failures) == (1, [])
    query = """SELECT attributes['evalspan.task.retries'] AS retries FROM spans
               WHERE trace_id = {id:String} AND span_type = 'CASE'"""
    assert rows(runtime, query, id=result.rows[0].trace_id) == [{"retries": "1"}]


def test_a_loss_is_an_error_that_holds_the_result(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector(lambda _: Answer(400)) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        runtime = start(service.endpoint)
        experiment = evalspan.experiment(name="lost", task=lambda: 1, dataset=numbers(3))
        with pytest.raises(DeliveryError, match="3 spans produced, 0 acknowledged, 3 failed"):
            experiment.run()
    assert experiment.result is not None
    assert len(experiment.result.rows) == 3
    assert runtime.client.find_experiments(id=experiment.id)[0].attributes["status"] == "failed"


def test_the_event_loop_is_not_stalled_by_a_full_queue(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector(lambda _: Answer(delay=0.2)) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        start(service.endpoint, max_queue_bytes=20_000, max_batch_bytes=10_000)
        pauses: list[float] = []

        async def watch() -> None:
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.01)
                pauses.append(time.monotonic() - before)

        async def task(input_data: int) -> str:
            return "x" * 5000

        async def both() -> evalspan.ExperimentResult:
            watching = asyncio.create_task(watch())
            result = await evalspan.experiment(name="stall", task=task, dataset=numbers(20)).arun(jobs=2)
            watching.cancel()
            return result

        result = asyncio.run(both())
        assert result.delivery.complete
        assert len(collector.spans) == 20
        # A loop that waits for the queue pauses for the delay of each of the ten requests.
        assert sum(pause > 0.19 for pause in pauses) <= 3


def test_ended_runs_are_noted_for_the_command_line(runtime: Runtime) -> None:
    def fragile(input_data: int) -> float:
        return 1 / input_data

    result = evalspan.experiment(name="noted", task=fragile, dataset=numbers(3)).run()
    assert (result.name, ["r0"]) in finished()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs=0"),
        ({"sample_size": 0}, "sample_size=0"),
        ({"retries": -1}, "retries=-1"),
        ({"timeout": 0.0}, "timeout=0.0"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evalspan.experiment(name="wrong", task=lambda: 1, dataset=numbers(1)).run(**options)


def test_an_experiment_that_could_record_nothing_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with pytest.raises(UsageError, match="OTEL_SDK_DISABLED"):
        evalspan.experiment(name="disabled", task=lambda: 1, dataset=numbers(1)).run()
