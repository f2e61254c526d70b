"""The code of docs/experiments.md runs, assertions included."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Evalspan
from support.markdown import blocks

PAGE = "docs/experiments.md"


@pytest.mark.parametrize("number", range(len(blocks(PAGE, "python"))))
def test_every_example_of_the_page_runs(evalspan: Evalspan, tmp_path: Path, number: int) -> None:
    (tmp_path / "script.py").write_text(blocks(PAGE, "python")[number])
    done = evalspan("run", "script.py")
    assert done.returncode == 0, done.stderr
