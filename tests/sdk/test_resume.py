"""Interruption and resumption: what was done is kept, what is missing is run, nothing is double."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

import evalspan
from evalspan import UsageError
from evalspan.api.server import Service
from evalspan.errors import NotFoundError
from evalspan.sdk.lifecycle import Runtime
from sdk.conftest import Start

COUNTS = """
    SELECT run_iteration, count() AS n, uniqExact(record_id) AS records, sum(scores['right']) AS right
    FROM experiment_results WHERE experiment_id = {id:String} GROUP BY ALL ORDER BY ALL
"""


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"r{number}", "input": number, "expected_output": number} for number in range(count)]


def right(output_data: int, expected_output: int) -> bool:
    return output_data == expected_output


class Counting:
    """A task that remembers which records it ran, and fails on some."""

    def __init__(self, fails: set[int] | None = None) -> None:
        self.fails = fails or set()
        self.ran: list[int] = []

    def __call__(self, input_data: int) -> int:
        self.ran.append(input_data)
        if input_data in self.fails:
            raise ValueError("not yet")
        return input_data


def test_resume_runs_what_is_missing_and_aggregates_over_everything(runtime: Runtime) -> None:
    first = evalspan.experiment(name="halves", task=Counting(), dataset=numbers(10), evaluators=[right])
    first.run(sample_size=4)
    task = Counting()
    second = evalspan.experiment(name="halves", task=task, dataset=numbers(10), evaluators=[right], runs=2)
    result = second.run(resume=True)
    assert second.id == first.id
    assert sorted(task.ran) == sorted([*range(10), *range(4, 10)])
    assert (len(result.rows), result.summary["right"].n_scores) == (20, 20)
    assert list(runtime.client.sql(COUNTS, id=first.id)) == [
        {"run_iteration": 1, "n": 10, "records": 10, "right": 10},
        {"run_iteration": 2, "n": 10, "records": 10, "right": 10},
    ]


def test_resume_tries_failed_rows_again_and_the_new_row_counts(runtime: Runtime) -> None:
    first = evalspan.experiment(name="again", task=Counting({2, 3}), dataset=numbers(5), evaluators=[right])
    assert len(first.run().failures) == 2
    task = Counting()
    result = evalspan.experiment(name="again", task=task, dataset=numbers(5), evaluators=[right]).run(
        resume=first.id
    )
    assert sorted(task.ran) == [2, 3]
    assert result.failures == []
    assert list(runtime.client.sql(COUNTS, id=first.id)) == [
        {"run_iteration": 1, "n": 5, "records": 5, "right": 5}
    ]


def test_resume_adds_a_new_evaluator_without_running_the_task(runtime: Runtime) -> None:
    first = evalspan.experiment(name="rescored", task=Counting(), dataset=numbers(3))
    name = first.run().name
    task = Counting()
    result = evalspan.experiment(name="rescored", task=task, dataset=numbers(3), evaluators=[right]).run(
        resume=name
    )
    assert task.ran == []
    assert result.summary["right"].mean == 1
    assert list(runtime.client.sql(COUNTS, id=first.id)) == [
        {"run_iteration": 1, "n": 3, "records": 3, "right": 3}
    ]


def test_loaded_scores_are_what_the_evaluators_said(runtime: Runtime) -> None:
    def detailed() -> evalspan.EvaluatorResult:
        return evalspan.EvaluatorResult({"a": [1]}, reasoning="why", assessment="pass")

    def broken() -> None:
        raise RuntimeError("no judge")

    def label() -> str:
        return "good"

    evaluators = [right, detailed, broken, label]
    said = evalspan.experiment(name="kept", task=Counting(), dataset=numbers(1), evaluators=evaluators).run()
    kept = evalspan.experiment(name="kept", task=Counting(), dataset=numbers(1), evaluators=evaluators).run(
        resume=True
    )
    assert kept.rows[0].resumed
    assert kept.rows[0].output == said.rows[0].output
    assert kept.rows[0].evaluations == said.rows[0].evaluations


def test_resume_without_an_earlier_run_starts_one(runtime: Runtime) -> None:
    assert (
        len(evalspan.experiment(name="fresh", task=Counting(), dataset=numbers(2)).run(resume=True).rows) == 2
    )


def test_what_cannot_be_resumed_is_named(runtime: Runtime) -> None:
    experiment = evalspan.experiment(name="other", task=Counting(), dataset=numbers(2))
    with pytest.raises(NotFoundError, match="resume='nothing'"):
        experiment.run(resume="nothing")
    experiment.run()
    elsewhere = evalspan.experiment(
        name="elsewhere", task=Counting(), dataset=evalspan.Dataset(numbers(2), name="another")
    )
    with pytest.raises(UsageError, match="ran on dataset"):
        elsewhere.run(resume=experiment.id)


JOBS = 2
SCRIPT = """
    import signal, sys, time, evalspan
    # A shell ignores the interrupt for what it starts in the background, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    def task(input_data):
        if {pause} and input_data == 10:
            print("under way", flush=True)
        time.sleep({pause})
        return input_data
    def right(output_data, expected_output):
        return output_data == expected_output
    evalspan.init(capture=False)
    records = [dict(id=f"r{{n}}", input=n, expected_output=n) for n in range({count})]
    experiment = evalspan.experiment(name="{name}", task=task, dataset=records, evaluators=[right])
    print("starting", flush=True)
    try:
        result = experiment.run(jobs={jobs}, resume={resume})
    except KeyboardInterrupt:
        print("partial", len(experiment.result.rows), experiment.result.status, experiment.id, flush=True)
        raise
    print("done", len(result.rows), result.status, experiment.id, flush=True)
"""


def launch(endpoint: str, **options: Any) -> subprocess.Popen[str]:
    script = textwrap.dedent(SCRIPT.format(jobs=JOBS, **options))
    return subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "EVALSPAN_ENDPOINT": endpoint},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_ctrl_c_keeps_what_was_done_and_resume_does_the_rest(service: Service, runtime: Runtime) -> None:
    process = launch(service.endpoint, name="stopped", count=40, pause=0.1, resume=None)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["starting\n", "under way\n"]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    word, count, status, experiment_id = output.split()
    assert (word, status) == ("partial", "interrupted")
    assert 0 < int(count) < 40, errors
    # What was done is kept whole; what was under way may be there without its scores, and is run again.
    (stored,) = runtime.client.sql(COUNTS, id=experiment_id)
    assert stored["right"] == int(count)
    assert int(count) <= stored["n"] == stored["records"] <= int(count) + JOBS
    assert runtime.client.find_experiments(id=experiment_id)[0].attributes["status"] == "interrupted"

    again = launch(service.endpoint, name="stopped", count=40, pause=0, resume=True)
    output, errors = again.communicate(timeout=60)
    assert output.split()[1:] == ["done", "40", "completed", experiment_id], errors
    assert list(runtime.client.sql(COUNTS, id=experiment_id)) == [
        {"run_iteration": 1, "n": 40, "records": 40, "right": 40}
    ]
    assert "[" not in errors  # no progress bar in a pipe


def serve(store: Path, port: int) -> subprocess.Popen[str]:
    """`evalspan serve` as people start it; returns when it answers."""
    command = [
        sys.executable, "-c", "from evalspan.cli import main; main()", "serve",
        "--store", f"chdb://{store}", "--http-port", str(port), "--grpc-port", "-1",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "answers at" in process.stderr.readline()
    return process


@pytest.mark.slow
def test_a_service_killed_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, start: Start, free_port: int
) -> None:
    endpoint = f"http://127.0.0.1:{free_port}"
    server = serve(tmp_path / "store", free_port)
    process = launch(endpoint, name="survivor", count=60, pause=0.1, resume=None)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["starting\n", "under way\n"]
    server.kill()
    server.communicate()
    time.sleep(1)
    server = serve(tmp_path / "store", free_port)
    try:
        output, errors = process.communicate(timeout=60)
        word, count, status, experiment_id = output.split()
        assert (word, count, status) == ("done", "60", "completed"), errors
        runtime = start(endpoint)
        assert list(runtime.client.sql(COUNTS, id=experiment_id)) == [
            {"run_iteration": 1, "n": 60, "records": 60, "right": 60}
        ]
    finally:
        server.terminate()
        server.communicate()
