"""docs/gentrace.md is true: its script runs, and its question has the answer that it shows."""

from __future__ import annotations

import re
from pathlib import Path

from evalspan.api.server import Service
from support.gentrace_client import Sql, finish, start
from support.markdown import ROOT, blocks

PAGE = "docs/gentrace.md"


def test_the_script_of_the_page_gives_the_rows_of_the_page(
    service: Service, ask: Sql, client_installed: None, tmp_path: Path
) -> None:
    del client_installed
    script = tmp_path / "script.py"
    script.write_text(blocks(PAGE, "python")[0], encoding="utf-8")
    finish(start(service.endpoint, script, tmp_path))
    [question] = blocks(PAGE, "sql")
    found = [" | ".join(str(value) for value in row.values()) for row in ask(question)]
    shown = (ROOT / PAGE).read_text(encoding="utf-8").split(question)[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*) \|$", shown, flags=re.MULTILINE)
    assert rows[0].split(" | ") == ["test_case", "run_iteration", "expected_output", "equal"]
    assert found == rows[1:]
