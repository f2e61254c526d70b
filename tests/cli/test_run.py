"""`evalspan run`: scripts against a service that it starts, and their exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from support.command import Evalspan

SCRIPT = """
import sys
import evalspan

def task(input_data):
    if input_data == sys.argv[1:]:
        raise RuntimeError("asked to fail")
    return input_data * 2

def doubled(input_data, output_data):
    return output_data == input_data * 2

result = evalspan.experiment(
    name="doubling", task=task, dataset=[{"input": n} for n in range(5)], evaluators=[doubled], runs=2
).run()
print(result.delivery)
"""
COUNT = """
SELECT run_iteration, count() AS n, avg(scores['doubled']) AS mean
FROM experiment_results GROUP BY ALL ORDER BY ALL
"""


def write(folder: Path, text: str) -> str:
    (folder / "script.py").write_text(text)
    return "script.py"


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, float]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_script_runs_without_a_service_and_its_results_stay(evalspan: Evalspan, tmp_path: Path) -> None:
    done = evalspan("run", write(tmp_path, SCRIPT))
    assert done.returncode == 0, done.stderr
    assert rows(evalspan("query", COUNT, "--format", "jsonl")) == [
        {"run_iteration": 1, "n": 5, "mean": 1},
        {"run_iteration": 2, "n": 5, "mean": 1},
    ]


def test_a_script_uses_the_service_that_has_the_store_open(
    evalspan: Evalspan, tmp_path: Path, served: subprocess.Popen[str]
) -> None:
    assert evalspan("run", write(tmp_path, SCRIPT)).returncode == 0
    assert served.poll() is None
    assert [row["n"] for row in rows(evalspan("query", COUNT, "--format", "jsonl"))] == [5, 5]


def test_a_failed_record_ends_with_1_and_is_kept(evalspan: Evalspan, tmp_path: Path) -> None:
    script = SCRIPT.replace("input_data == sys.argv[1:]", "input_data == int(sys.argv[1])")
    done = evalspan("run", write(tmp_path, script), "3")
    assert done.returncode == 1
    assert "2 failed in experiment 'doubling'" in done.stderr
    failed = "SELECT record_id, error FROM experiment_results WHERE status = 'error'"
    assert [row["error"] for row in rows(evalspan("query", failed, "--format", "jsonl"))] == [
        "asked to fail"
    ] * 2


def test_wrong_use_ends_with_2(evalspan: Evalspan, tmp_path: Path) -> None:
    assert evalspan("run", "absent.py").returncode == 2
    done = evalspan("run", write(tmp_path, SCRIPT.replace("runs=2", "runs=0")))
    assert done.returncode == 2
    assert "runs" in done.stderr


def test_a_service_that_is_away_ends_with_3(evalspan: Evalspan, tmp_path: Path) -> None:
    done = evalspan("run", write(tmp_path, SCRIPT), EVALSPAN_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 3
    assert "127.0.0.1:9" in done.stderr


def test_the_exit_code_of_the_script_itself_is_kept(evalspan: Evalspan, tmp_path: Path) -> None:
    assert evalspan("run", write(tmp_path, "import sys; sys.exit(7)")).returncode == 7
    assert evalspan("run", write(tmp_path, "raise KeyError('x')")).returncode == 1
