"""The vendor's unmodified clients. Without a package index these are skipped, except in CI."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from support import respan_client
from support.absent import absent

SCRIPTS = Path(__file__).parent / "scripts"
Run = Callable[[str, str], Any]


@pytest.fixture
def run(service: Service, tmp_path: Path) -> Run:
    """Runs a script with a version of the client."""

    def script(requirement: str, name: str) -> Any:
        try:
            python = respan_client.interpreter(requirement)
        except subprocess.CalledProcessError as error:
            absent(f"pip cannot install {requirement!r}: {error.stderr}")
        return respan_client.run_script(python, service.endpoint, SCRIPTS / name, tmp_path)

    return script


def stored(service: Service, experiment_id: str, slug: str) -> list[tuple[str, int]]:
    """Status and score of each result, by SQL."""
    score = "scores[{slug:String}] AS score"
    query = f"SELECT status, {score} FROM experiment_results WHERE experiment_id = {{id:String}}"
    parameters = {"param_id": experiment_id, "param_slug": slug, "format": "JSON"}
    answer = httpx.post(f"{service.endpoint}/sql", content=query, params=parameters, timeout=60)
    return [(row["status"], row["score"]) for row in answer.raise_for_status().json()["data"]]


def test_the_last_client_with_experiments_runs_them_unmodified(run: Run, service: Service) -> None:
    found = run(respan_client.CURRENT, "current.py")
    assert found["rows"] == [2, 3, 2, {"first": True}]
    assert found["trial"] is True
    assert found["experiment"][1:] == ["completed", 100.0, True, "renamed"]
    assert found["logs"] == [3, 6, True, 1]
    assert found["scores"] == [True] * 3
    assert (found["summary"], found["histogram"]) == ([3, True, 3], [0, 3])
    assert (found["pending"], found["submitted"]) == (["pending"] * 3, "completed")
    assert (found["score"], found["reports"]) == ("good", [1, 1])
    assert stored(service, found["experiment_id"], found["slug"]) == [("ok", 1)] * 3


def test_a_client_of_the_tutorials_days_runs_its_workflows_unmodified(run: Run, service: Service) -> None:
    found = run(respan_client.OLDER, "older.py")
    assert (found["rows"], found["status"]) == (2, "completed")
    assert found["outputs"] == ["re: Hello Ada", "re: Hello Bob"]
    assert f"evaluator.{found['slug']}" in found["names"]
    assert (found["pending"], found["judged"]) == (["pending"] * 2, [True] * 2)
    assert found["listed"]
    assert stored(service, found["experiment_id"], found["slug"]) == [("ok", 1)] * 2
