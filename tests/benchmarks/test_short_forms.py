"""The short forms of the benchmarks: they fail on lost, doubled or wrong rows, and never on time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.slow


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(BENCHMARKS / name), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_ingest_answered_is_stored_once_also_after_a_kill(tmp_path: Path) -> None:
    run("ingest.py", "--short", "--json", str(tmp_path / "figures.json"))
    found = json.loads((tmp_path / "figures.json").read_text())
    figures = {each["system"]: each for each in found[-1]}
    for protocol in ("HTTP", "gRPC", "HTTP gzip"):
        figure = figures[f"evalspan, {protocol}"]
        assert figure["accepted"] == figure["committed"] > 0
        assert figure["answered_before_kill"] == figure["stored_after_kill"] > figure["accepted"]


def test_the_questions_are_answered_from_the_rows_that_were_made(tmp_path: Path) -> None:
    run("questions.py", "--short", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())["questions"]
    assert {"one trace", "summary of an experiment", "comparison of two"} <= {
        each["question"] for each in figures
    }
