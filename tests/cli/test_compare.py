"""`evalspan compare` and its gate."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cli.serving import serving
from evalspan.store import Store
from support.command import Evalspan
from support.rows import add, case, experiment, score

OLD, NEW = [1.0, 1.0, 0.5, 0.5], [1.0, 0.8, 0.4, 0.4]
NAMES = ("name of old", "name of new")


def fill(store: Store) -> None:
    """Experiments old and new: new is worse by 0.1 in the mean; judge is a category."""
    for name, values in (("old", OLD), ("new", NEW), ("short", OLD[:2])):
        add(store, experiment(name))
        for n, value in enumerate(values):
            add(store, case(f"r{n}", experiment=name), score("exact", value, f"r{n}", experiment=name))
            add(store, score("judge", "good" if value > 0.4 else "bad", f"r{n}", experiment=name))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("compare"), fill) as url:
        yield url


@pytest.fixture
def ask(evalspan: Evalspan, endpoint: str) -> Evalspan:
    """The command, with that service."""
    return partial(evalspan, EVALSPAN_ENDPOINT=endpoint)


def test_the_table_says_what_became_better_and_worse(ask: Evalspan) -> None:
    done = ask("compare", *NAMES)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("exact"))
    assert line.split()[:4] == ["exact", "0.75", "0.65", "-0.1"]
    assert line.split()[-5:] == ["4", "0", "3", "1", "0"]
    assert "judge: the same on 50.0% of 4 records (0 unpaired)" in done.stdout


def test_json_is_the_whole_comparison_with_the_gate(ask: Evalspan) -> None:
    done = ask("compare", *NAMES, "--format", "json", "--fail-on", "exact<-0.5")
    found = json.loads(done.stdout)
    assert found["gate"] == {"passed": True, "reasons": []}
    assert found["scores"][0]["difference"] == pytest.approx(-0.1)
    assert [row["scores"]["exact"]["verdict"] for row in found["rows"]] == ["same", "worse", "worse", "worse"]


def test_csv_and_markdown_have_a_line_for_each_record_and_evaluator(ask: Evalspan) -> None:
    rows = list(csv.DictReader(ask("compare", *NAMES, "--format", "csv").stdout.splitlines()))
    assert [(row["record_id"], row["evaluator"]) for row in rows[:2]] == [("r0", "exact"), ("r0", "judge")]
    assert len(rows) == 8
    markdown = ask("compare", *NAMES, "--format", "markdown", "--rows").stdout
    assert "| r1 | exact | 1 | 0.8 | -0.2 | worse |" in markdown
    assert "| r0 | exact |" not in markdown


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("exact<-0.02", 1), ("exact<-0.2", 0), ("high(exact)<0", 0), ("low(exact)<0", 1),
        ("agreement(judge)<0.9", 1), ("agreement(judge)<0.5", 0), ("nothing<0", 1),
    ],
)  # fmt: skip
def test_the_exit_code_is_the_gates(ask: Evalspan, condition: str, code: int) -> None:
    done = ask("compare", *NAMES, "--fail-on", condition)
    assert done.returncode == code, done.stderr
    assert ("evalspan: failed on" in done.stderr) is bool(code)
    assert ("The gate failed" if code else "The gate passed") in done.stdout


def test_every_gate_is_named_that_fails(ask: Evalspan) -> None:
    done = ask("compare", *NAMES, "--fail-on", "exact<0", "--fail-on", "exact<-9", "--fail-on", "x<0")
    failed = [line for line in done.stderr.splitlines() if "failed on" in line]
    assert [line.split("failed on ")[1].split(":")[0] for line in failed] == ["exact<0", "x<0"]


def test_missing_records_fail_the_gate_unless_they_are_allowed(ask: Evalspan) -> None:
    gated = ("compare", "old", "short", "--fail-on", "exact<-0.02")
    assert ask(*gated).returncode == 1
    assert "2 of 4 records lack a score" in ask(*gated).stderr
    assert ask(*gated, "--allow-missing", "2").returncode == 0


@pytest.mark.parametrize(
    ("name", "start"), [("r.json", "{"), ("r.md", "- A:"), ("r.csv", "record_id,"), ("r", "- A:")]
)
def test_the_report_is_written_although_the_gate_fails(
    ask: Evalspan, tmp_path: Path, name: str, start: str
) -> None:
    done = ask("compare", *NAMES, "--fail-on", "exact<-0.02", "--report", name)
    assert done.returncode == 1
    assert (tmp_path / name).read_text().startswith(start)


def test_less_can_be_better(ask: Evalspan) -> None:
    done = ask("compare", *NAMES, "--lower-is-better", "exact", "--format", "json")
    (exact,) = json.loads(done.stdout)["scores"]
    assert (exact["better"], exact["worse"]) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["old", "none"], "no experiment 'none'"),
        (["old", "new", "--run-b", "5"], "no run iteration 5"),
        (["old", "new", "--fail-on", "exact"], "--fail-on 'exact'"),
        (["old", "new", "--report", "no/such/folder.md"], "cannot be written"),
        (["old"], "Missing argument"),
    ],
)
def test_wrong_use_ends_with_2(ask: Evalspan, arguments: list[str], said: str) -> None:
    done = ask("compare", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_that_does_not_answer_ends_with_3(ask: Evalspan) -> None:
    variables = {"EVALSPAN_ENDPOINT": "http://127.0.0.1:9", "EVALSPAN_CONTROL_TIMEOUT": "0"}
    assert ask("compare", *NAMES, **variables).returncode == 3
