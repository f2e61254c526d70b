"""Run an experiment in CI, compare it with the latest run on main, and fail on a regression.

    evalspan run examples/ci/check.py [--report report.md]

Commit and branch come from GITHUB_SHA and GITHUB_REF_NAME. The report is written before the exit, and
to $GITHUB_STEP_SUMMARY too. Exit codes: 0 fine or nothing to compare with, 1 a regression, 3 the
service failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
from app import answer

import evalspan

PIPELINE = "capitals"
MAIN = "main"
RUNS = 3
# How far the mean of an evaluator may fall below that of main. Others are reported, not judged.
ALLOWED_DROP = {"exact_match": 0.05, "overlap": 0.1}
ALLOWED_FAILURES = 0.0  # how far the share of failed cases may rise

RECORDS = [
    {"id": country, "input": f"What is the capital of {country}?", "expected_output": city}
    for country, city in [
        ("China", "Beijing"), ("France", "Paris"), ("Japan", "Tokyo"), ("Kenya", "Nairobi"), ("Peru", "Lima"),
    ]
]  # fmt: skip

Attributes = dict[str, Any]


def task(input_data: str) -> str:
    return answer(input_data)


def exact_match(output_data: str, expected_output: str) -> bool:
    return output_data == expected_output


def overlap(output_data: str, expected_output: str) -> float:
    """How much of the letters the two have in common."""
    shared = set(output_data) & set(expected_output)
    return len(shared) / len(set(output_data) | set(expected_output))


def run() -> str:
    """Run the experiment; its id."""
    # Of a pull request GITHUB_REF_NAME is a merge ref such as 12/merge.
    branch = os.environ.get("GITHUB_HEAD_REF") or os.environ.get("GITHUB_REF_NAME", "")
    result = evalspan.experiment(
        name=PIPELINE,
        task=task,
        dataset=evalspan.Dataset(RECORDS, name=PIPELINE),
        evaluators=[exact_match, overlap],
        runs=RUNS,
        metadata={"commit": os.environ.get("GITHUB_SHA", ""), "branch": branch},
    ).run()
    print(result)
    return result.experiment_id


def experiments(**filters: str) -> list[Attributes]:
    """Experiments by filter, the newest first, with `id` and `aggregate_data`."""
    endpoint = os.environ.get("EVALSPAN_ENDPOINT") or "http://127.0.0.1:4318"
    key = os.environ.get("EVALSPAN_API_KEY")
    response = httpx.get(
        f"{endpoint}/api/v2/llm-obs/v1/experiments",
        params={f"filter[{name}]": value for name, value in filters.items()},
        headers={"authorization": f"Bearer {key}"} if key else {},
        timeout=60,
    )
    if not response.is_success:
        said = f"{response.status_code} {response.text}"
        raise evalspan.ServiceError(f"The list of experiments was refused: {said}")
    return [{"id": item["id"], **item["attributes"]} for item in response.json()["data"]]


def baseline(current: Attributes) -> Attributes | None:
    """The latest completed run of this pipeline on main, other than this one."""
    found = experiments(
        project_id=current["project_id"], experiment=PIPELINE, metadata=json.dumps({"branch": MAIN})
    )
    others = (each for each in found if each["id"] != current["id"])
    return next((each for each in others if each["status"] == "completed"), None)


def compare(current: Attributes, before: Attributes) -> tuple[list[str], list[str]]:
    """(lines of the table, regressions). What is missing now counts as a regression."""
    ours, theirs = current["aggregate_data"], before["aggregate_data"]
    lines = ["| evaluator | main | this run | change | allowed |", "|---|---|---|---|---|"]
    regressions: list[str] = []
    for name in sorted(ours["evaluators"].keys() | theirs["evaluators"].keys()):
        was, now = mean(theirs, name), mean(ours, name)
        allowed = ALLOWED_DROP.get(name)
        change = None if was is None or now is None else now - was
        lines.append(f"| {name} | {shown(was)} | {shown(now)} | {shown(change)} | {shown(allowed)} |")
        if allowed is None or was is None:
            continue
        if now is None or change is None:
            regressions.append(f"{name} has no score in this run")
        elif change < -allowed:
            regressions.append(f"{name} fell by {-change:.3f}, {allowed} is allowed")
    failed, failed_before = ours["cases"]["error_rate"], theirs["cases"]["error_rate"]
    lines.append(f"| failed cases | {shown(failed_before)} | {shown(failed)} | | {ALLOWED_FAILURES} |")
    if (failed or 0) > (failed_before or 0) + ALLOWED_FAILURES:
        regressions.append(f"{ours['cases']['failed']} of {ours['cases']['count']} cases failed")
    if ours["cases"]["missing"]:
        regressions.append(f"{ours['cases']['missing']} cases are missing")
    return lines, regressions


def mean(data: Attributes, evaluator: str) -> float | None:
    """The mean of the record means, over all runs."""
    return data["evaluators"].get(evaluator, {}).get("multi_run", {}).get("mean")


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def judge(current: Attributes) -> tuple[str, bool]:
    """(the report, whether it is a regression)"""
    lines = [f"## {current['name']}", ""]
    before = baseline(current)
    if before is None:
        return "\n".join([*lines, f"There is no completed run on {MAIN} to compare with."]), False
    if before["dataset_version"] != current["dataset_version"]:
        lines += [f"The dataset changed: version {before['dataset_version']} there.", ""]
    table, regressions = compare(current, before)
    verdict = "Regressions:" if regressions else "No regression."
    lines += [f"Compared with `{before['name']}`, commit {before['metadata']['commit']}.", ""]
    lines += [*table, "", verdict, *(f"- {each}" for each in regressions)]
    return "\n".join(lines), bool(regressions)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=Path, default=Path("report.md"))
    given = parser.parse_args()
    [current] = experiments(id=run())
    report, regression = judge(current)
    given.report.write_text(report + "\n", encoding="utf-8")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as page:
            page.write(report + "\n")
    print(report)
    return 1 if regression else 0


if __name__ == "__main__":
    sys.exit(main())
