"""The same experiment, written with ddtrace and with evalspan's SDK: the same rows in the views."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from evalspan.api.server import Service
from support.command import environment
from support.ddtrace_client import Run, Sql

BODY = """
def task(input_data, config=None):
    if input_data["q"] == 2:
        raise RuntimeError("boom")
    return {"a": input_data["q"] + config["plus"]}

def exact(input_data, output_data, expected_output):
    return bool(output_data) and output_data["a"] == expected_output

def half(input_data, output_data, expected_output):
    return input_data["q"] / 2

def judge(input_data, output_data, expected_output):
    return EvaluatorResult(value="fine", reasoning="because", assessment="pass", tags={"by": "me"})

def broken(input_data, output_data, expected_output):
    raise ValueError("no idea")

def total(inputs, outputs, expected_outputs, evaluators_results):
    return len(inputs)

RECORDS = [
    {"id": f"r{n}", "INPUT": {"q": n}, "expected_output": n + 1, "metadata": {"n": n, "s": "text"},
     "tags": ["parity:odd" if n % 2 else "parity:even"]}
    for n in range(3)
]
EVALUATORS = [exact, half, judge, broken]
"""
THEIRS = (
    """
from ddtrace.llmobs import EvaluatorResult, LLMObs
LLMObs.enable(project_name="p")
"""
    + BODY.replace("INPUT", "input_data")
    + """
dataset = LLMObs.create_dataset(dataset_name="d", project_name="p", records=RECORDS)
LLMObs.experiment(name="theirs", task=task, dataset=dataset, evaluators=EVALUATORS,
    summary_evaluators=[total], config={"plus": 1}, runs=2).run(jobs=2)
"""
)
OURS = (
    """
import evalspan
from evalspan import EvaluatorResult
"""
    + BODY.replace("INPUT", "input")
    + """
dataset = evalspan.Dataset(RECORDS, name="d", project="p")
evalspan.experiment(name="ours", task=task, dataset=dataset, evaluators=EVALUATORS,
    summary_evaluators=[total], config={"plus": 1}, runs=2, project="p").run(jobs=2)
"""
)
RESULTS = """
SELECT project, dataset, dataset_version, run_iteration, record_id, input, output, expected_output, status,
    error, error_type, llm_calls, total_tokens, metadata, tags
FROM experiment_results WHERE experiment = '{}' ORDER BY record_id, run_iteration
"""
SCORES = """
SELECT record_id, run_iteration, name, source, type, score_value, label_value, json_value, explanation,
    assessment, error, error_type, tags
FROM evaluations WHERE experiment_id = (SELECT experiment_id FROM experiments WHERE experiment = '{}')
    AND record_id != 'r2'
ORDER BY record_id, run_iteration, name
"""
RECORDS = """
SELECT record_id, input, runs, failed_runs FROM experiment_records WHERE experiment = '{}' ORDER BY record_id
"""


def test_an_experiment_reads_the_same_whichever_sdk_wrote_it(
    run: Run, ask: Sql, service: Service, tmp_path: Path
) -> None:
    run(THEIRS)
    (tmp_path / "ours.py").write_text(OURS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "ours.py"], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120,
        env=environment(EVALSPAN_ENDPOINT=service.endpoint, EVALSPAN_PROJECT="p"),
    )  # fmt: skip
    assert ask("SELECT name, current_version FROM datasets") == [{"name": "d", "current_version": 1}], (
        done.stderr
    )
    for question in (RESULTS, SCORES, RECORDS):
        theirs, ours = both(ask, question)
        assert theirs == ours, done.stderr
        assert theirs
    # Evaluators judge the executions that failed too in ddtrace; here a failed execution has no scores.
    failed = ask("SELECT experiment, scores FROM experiment_results WHERE record_id = 'r2'")
    assert [bool(row["scores"]) for row in sorted(failed, key=lambda row: str(row["experiment"]))] == [
        False, False, True, True,
    ]  # fmt: skip


def both(ask: Sql, question: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return ask(question.format("theirs")), ask(question.format("ours"))
