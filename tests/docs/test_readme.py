"""The README's commands and code do what it says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from support.command import Evalspan
from support.markdown import ROOT, blocks


def shell_lines() -> list[str]:
    return [line for block in blocks("README.md", "sh") for line in block.splitlines() if line.strip()]


@pytest.mark.slow
def test_the_experiment_and_the_query_of_the_readme_run(evalspan: Evalspan, tmp_path: Path) -> None:
    [script] = blocks("README.md", "python")
    [statement] = blocks("README.md", "sql")
    (tmp_path / "script.py").write_text(script)
    done = evalspan("run", "script.py")
    assert done.returncode == 0, done.stderr
    assert "exact_match" in done.stdout
    answer = evalspan("query", statement, "--format", "jsonl").stdout
    rows = [json.loads(line) for line in answer.splitlines()]
    assert len(rows) == 2
    assert {row["arrayElement(scores, 'exact_match')"] for row in rows} == {0, 1}


def test_every_query_of_the_readme_is_valid(evalspan: Evalspan, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    assert evalspan("run", "empty.py").returncode == 0
    queries = [shlex.split(line)[2] for line in shell_lines() if "evalspan query" in line]
    assert queries
    for query in queries:
        assert evalspan("query", query).returncode == 0, query


def test_every_make_target_of_the_readme_exists() -> None:
    targets = {match[1] for line in shell_lines() if (match := re.match(r"make (\w+)", line))}
    assert {"demo", "test"} <= targets
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_every_link_of_the_pages_leads_to_a_file() -> None:
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md"]
    pages += [*ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]
    links = {
        (page.relative_to(ROOT).as_posix(), target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    }
    assert links
    broken = {(page, target) for page, target in links if not (ROOT / page).parent.joinpath(target).exists()}
    assert broken == set()
