"""The measurement of what recording costs runs; its figures are for people and not for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # six processes that import a client library

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "capture_overhead.py"


def test_the_overhead_is_measured_beside_the_peers_and_written_down(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--short", "--json", str(file)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(file.read_text("utf-8"))
    for kind in ("plain", "streamed"):
        assert {"not recorded", "evalspan", "OpenInference", "genai-openai"} <= set(told[kind])
        assert all(figures["cpu"]["ms"] > 0 for figures in told[kind].values())
        assert kind in done.stdout
