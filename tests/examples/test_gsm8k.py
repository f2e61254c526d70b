"""The GSM8K example: its judgement, and whole runs of it against the real service.

The data is not ours to ship: the tests that need it look in EVALSPAN_GSM8K, then in
`shared/data/gsm8k` beside the checkout, and are skipped where neither is there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from support import gsm8k
from support.absent import absent

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "gsm8k" / "run.py"
RECORDS, RUNS = 40, 2
# Long enough, a few seconds, to be interrupted in the middle.
LONG_RECORDS = 400
COUNTS = """
SELECT experiment, run_iteration, count() AS results, uniqExact(record_id) AS records,
    countIf(status = 'ok') AS fine, countIf(isNotNull(scores['exact_match'])) AS scored
FROM experiment_results GROUP BY ALL ORDER BY ALL"""


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("gsm8k_run", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


@pytest.fixture
def data() -> Path:
    """The folder with the questions and the recorded solutions."""
    found = gsm8k.folder()
    if not (found / script.QUESTIONS).is_file():
        absent(f"{found} has no {script.QUESTIONS}; set EVALSPAN_GSM8K to where GSM8K is")
    return found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2 + 2 = 4\nA: 18", "18"),
        ("thinking\n#### 2,125", "2125"),
        ("A: $1,450,000.", "1450000"),
        ("A: 18.0", "18"),
        ("A: -5", "-5"),
        ("A: .5", "0.5"),
        ("A: 12 dollars, not 13", "12"),
        ("A: 3\nNo, wrong.\nA: 4", "4"),
        ("A:7", "7"),
    ],
)
def test_the_final_number_of_a_solution_is_read_as_a_number(text: str, number: str) -> None:
    assert script.final_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "The answer is 18", "A: none", "#### ", "See A: 18 above"])
def test_a_solution_without_a_final_number_has_none(text: str) -> None:
    assert script.final_number(text) is None
    assert script.exact_match(text, "#### 18").value is False


def test_every_reference_answer_has_a_number_and_every_question_an_id_of_its_own(data: Path) -> None:
    records = script.records(data, None)
    assert all(script.final_number(record["expected_output"]) is not None for record in records)
    assert len({record["id"] for record in records}) == len(records) == len({r["input"] for r in records})
    assert script.records(data, 3) == records[:3]


@pytest.mark.parametrize("model", script.MODELS)
def test_our_judgement_agrees_with_the_recordings_own(model: str, data: Path) -> None:
    answer = script.recorded(data)
    verdicts = [json.loads(line) for line in (data / script.SOLUTIONS).read_text("utf-8").splitlines()]
    disagreements = [
        record["id"]
        for record, verdict in zip(script.records(data, None), verdicts, strict=True)
        if script.exact_match(
            answer(model, [{"role": "user", "content": record["input"]}]), record["expected_output"]
        ).value
        != verdict[model]["is_correct"]
    ]
    assert disagreements == []


def test_without_the_data_it_says_what_to_fetch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        script.main(["--data", str(tmp_path)])
    assert stopped.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    for word in (str(tmp_path), script.QUESTIONS, script.SOLUTIONS, "openai/grade-school-math"):
        assert word in said


class Service:
    """`evalspan serve` as a process of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts: list[subprocess.Popen[str]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("EVALSPAN_", "OTEL_"))
        } | {"EVALSPAN_ENDPOINT": self.endpoint}

    def __enter__(self) -> Self:
        command = [
            sys.executable,
            "-m",
            "evalspan",
            "serve",
            "--http-port",
            str(self.port),
            "--grpc-port",
            "-1",
        ]
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self._wait(lambda: httpx.get(f"{self.endpoint}/readyz").status_code == 200)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def sql(self, statement: str) -> list[dict[str, Any]]:
        answer = httpx.post(f"{self.endpoint}/sql", content=statement, timeout=30)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def start_script(self, data: Path, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), "--data", str(data), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.scripts.append(process)
        return process

    def run_script(self, data: Path, *arguments: str) -> str:
        process = self.start_script(data, *arguments)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def wait_for_results(self, count: int) -> None:
        self._wait(lambda: int(self.sql("SELECT count() AS n FROM experiment_results")[0]["n"]) >= count)

    @staticmethod
    def _wait(true: Any) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if true():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError("It did not come to that within a minute.")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path) as service:
        yield service
    for script_process in service.scripts:
        script_process.kill()
        with script_process:  # closes its pipe and waits
            pass


def limited(records: int, *models: str) -> list[str]:
    return ["--limit", str(records), "--runs", str(RUNS), "--jobs", "4", "--models", *models]


def everything_once(records: int, *models: str) -> list[dict[str, Any]]:
    """The counts when every question was answered and judged once in each run of each model."""
    counts = dict.fromkeys(("results", "records", "fine", "scored"), records)
    return [
        {"experiment": model, "run_iteration": run, **counts}
        for model in sorted(models)
        for run in range(1, RUNS + 1)
    ]


@pytest.mark.slow
def test_every_answer_of_every_run_is_there_once_also_after_resuming(data: Path, service: Service) -> None:
    arguments, expected = limited(RECORDS, *script.MODELS), everything_once(RECORDS, *script.MODELS)
    service.run_script(data, *arguments)
    assert service.sql(COUNTS) == expected
    spans = service.sql("SELECT span_type, count() AS n FROM spans GROUP BY ALL ORDER BY ALL")
    said = service.run_script(data, *arguments, "--resume")
    assert service.sql(COUNTS) == expected
    assert service.sql("SELECT span_type, count() AS n FROM spans GROUP BY ALL ORDER BY ALL") == spans
    assert said.count(f"{RECORDS * RUNS} rows") == len(script.MODELS)


@pytest.mark.slow
def test_every_answer_has_the_call_that_gave_it(data: Path, service: Service) -> None:
    service.run_script(data, *limited(RECORDS, "6b_finetuning"))
    calls = service.sql("""
        SELECT request_model, response_model, provider, uniqExact(trace_id) AS traces, count() AS calls,
            countIf(input_tokens > 0 AND output_tokens > 0) AS counted
        FROM spans WHERE span_type = 'LLM' AND experiment_id != '' GROUP BY ALL""")
    counts = dict.fromkeys(("traces", "calls", "counted"), RECORDS * RUNS)
    model = "6b_finetuning"
    assert calls == [{"request_model": model, "response_model": model, "provider": "openai", **counts}]


@pytest.mark.slow
def test_the_statements_of_the_readme_give_accuracies_and_what_only_the_smaller_model_solved(
    data: Path, service: Service
) -> None:
    service.run_script(data, *limited(RECORDS, "6b_verification", "175b_verification"))
    text = (SCRIPT.parent / "README.md").read_text("utf-8")
    accuracy, smaller_only = (block.split("```")[0] for block in text.split("```sql")[1:])
    verdicts = [
        json.loads(line) for line in (data / script.SOLUTIONS).read_text("utf-8").splitlines()[:RECORDS]
    ]
    right = {
        model: [verdict[model]["is_correct"] for verdict in verdicts]
        for model in ("175b_verification", "6b_verification")
    }
    assert [list(row.values()) for row in service.sql(accuracy)] == [
        [model, run, RECORDS, pytest.approx(sum(right[model]) / RECORDS)] for model in right for run in (1, 2)
    ]
    wanted = [
        record["id"]
        for record, large, small in zip(script.records(data, RECORDS), *right.values(), strict=True)
        if small and not large
    ]
    assert [row["record_id"] for row in service.sql(smaller_only)] == wanted


@pytest.mark.slow
def test_nothing_is_lost_or_double_when_the_service_is_killed_meanwhile(data: Path, service: Service) -> None:
    models = ("6b_finetuning", "175b_verification")
    running = service.start_script(data, *limited(LONG_RECORDS, *models))
    service.wait_for_results(LONG_RECORDS // 4)
    service.process.kill()
    service.process.wait()
    assert running.poll() is None
    with service:
        said, _ = running.communicate(timeout=120)
        assert running.returncode == 0, said
        assert service.sql(COUNTS) == everything_once(LONG_RECORDS, *models)


@pytest.mark.slow
def test_a_run_that_was_itself_killed_is_completed_by_resuming(data: Path, service: Service) -> None:
    arguments = limited(LONG_RECORDS, "6b_finetuning")
    running = service.start_script(data, *arguments)
    service.wait_for_results(LONG_RECORDS // 4)
    running.kill()
    running.wait()
    expected = everything_once(LONG_RECORDS, "6b_finetuning")
    assert service.sql(COUNTS) != expected
    service.run_script(data, *arguments, "--resume")
    assert service.sql(COUNTS) == expected
