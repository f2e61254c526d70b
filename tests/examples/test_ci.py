"""examples/ci from end to end: the script as a CI job runs it, over a store that jobs hand on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.command import Evalspan
from support.markdown import ROOT

FOLDER = ROOT / "examples" / "ci"
WORKFLOW = FOLDER / "github-actions.yml"


class Job:
    """One CI job after another in one folder; `spoil` is what a commit does to the app."""

    def __init__(self, evalspan: Evalspan, folder: Path) -> None:
        self._evalspan = evalspan
        self.summary = folder / "summary.md"
        self.report = folder / "report.md"
        self._app = folder / "ci" / "app.py"
        shutil.copytree(FOLDER, folder / "ci")

    def spoil(self, old: str, new: str) -> None:
        text = self._app.read_text(encoding="utf-8")
        assert old in text
        self._app.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, commit: str, branch: str = "main", **variables: str) -> tuple[int, str]:
        """(exit code, the report)"""
        self.report.unlink(missing_ok=True)
        environment = {
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_SHA": commit,
            "GITHUB_REF_NAME": branch,
        }
        done = self._evalspan("run", "ci/check.py", **{**environment, **variables})
        return done.returncode, self.report.read_text(
            encoding="utf-8"
        ) if self.report.exists() else done.stderr


@pytest.fixture
def job(evalspan: Evalspan, tmp_path: Path) -> Job:
    return Job(evalspan, tmp_path)


@pytest.mark.slow
def test_the_first_run_has_nothing_to_compare_with_an_equal_one_passes_and_a_worse_one_fails(
    job: Job,
) -> None:
    code, report = job.run("c0ffee1", branch="feat/early")
    assert (code, "There is no completed run on main" in report) == (0, True), report
    code, report = job.run("c0ffee2")
    assert (code, "There is no completed run on main" in report) == (0, True), report
    code, report = job.run("c0ffee3", branch="feat/equal")
    assert (code, "commit c0ffee2" in report, "No regression." in report) == (0, True, True), report
    assert "| exact_match | 1.000 | 1.000 | 0.000 | 0.050 |" in report
    job.spoil('"Lima"', '"Cusco"')
    code, report = job.run("c0ffee4", branch="feat/worse")
    assert code == 1, report
    assert "| exact_match | 1.000 | 0.800 | -0.200 | 0.050 |" in report
    assert "exact_match fell by 0.200, 0.05 is allowed" in report
    assert job.summary.read_text(encoding="utf-8").count("## capitals") == 4
    job.spoil('"Cusco"', '"Lima"')
    code, report = job.run("c0ffee5", branch="12/merge", GITHUB_HEAD_REF="feat/mended")
    assert (code, "commit c0ffee2" in report) == (0, True), report


@pytest.mark.slow
def test_cases_that_fail_and_scores_that_are_missing_are_regressions(job: Job) -> None:
    assert job.run("c0ffee1")[0] == 0
    job.spoil("    return next", "    raise RuntimeError(question)\n    return next")
    code, report = job.run("c0ffee2", branch="feat/broken")
    assert code == 1, report
    assert "exact_match has no score in this run" in report
    assert "15 of 15 cases failed" in report


def test_a_service_that_is_away_is_not_a_regression(job: Job) -> None:
    code, said = job.run("c0ffee1", EVALSPAN_ENDPOINT="http://127.0.0.1:9", EVALSPAN_CONTROL_TIMEOUT="0")
    assert code == 3, said


def test_the_workflow_runs_the_script_and_keeps_the_report_of_a_failed_run() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    [command] = re.findall(r"run: evalspan run (\S+) --report (\S+)", text)
    assert (ROOT / command[0]).is_file()
    assert re.search(rf"if: always\(\)\n.*\n.*\n.*\n\s+path: {command[1]}\n", text)
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"EVALSPAN_ENDPOINT", "EVALSPAN_API_KEY"}
