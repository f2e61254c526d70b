"""The code of docs/respan.md runs, and its filters are filters."""

from __future__ import annotations

import json
from pathlib import Path

from evalspan.api.respan import filters
from support.command import Evalspan
from support.markdown import blocks

PAGE = "docs/respan.md"


def test_the_example_of_the_page_runs(evalspan: Evalspan, tmp_path: Path) -> None:
    (example,) = blocks(PAGE, "python")
    (tmp_path / "script.py").write_text(example)
    done = evalspan("run", "script.py")
    assert done.returncode == 0, done.stderr


def test_each_filter_of_the_page_is_read() -> None:
    (examples,) = blocks(PAGE, "json")
    found = [filters.parse(json.loads(line)) for line in examples.splitlines()]
    assert [list(each.fields()) for each in found] == [
        ["total_cost", "status"],
        ["metadata.team"],
        ["created_at", "created_at"],
    ]
