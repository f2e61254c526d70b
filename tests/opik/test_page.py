"""What docs/opik.md shows: its script runs as it stands, and its query returns its table."""

from __future__ import annotations

import re
from pathlib import Path

from evalspan.api.server import Service
from support.markdown import ROOT, blocks
from support.opik_client import Sql, run_script

PAGE = "docs/opik.md"


def test_the_script_of_the_page_makes_the_table_of_the_page(
    service: Service, python: Path, tmp_path: Path, ask: Sql
) -> None:
    [script], [query] = blocks(PAGE, "python"), blocks(PAGE, "sql")
    file = tmp_path / "script.py"
    file.write_text(script, encoding="utf-8")
    run_script(python, service.endpoint, tmp_path, file)
    found = [tuple(str(value) for value in row.values()) for row in ask(query)]
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    table = text.partition("| level | run_iteration |")[2].partition("\n\n")[0].splitlines()[2:]
    assert found == [tuple(re.split(r" *\| *", line.strip("| "))) for line in table]


def test_the_switches_of_the_page_are_those_that_the_tests_run_with() -> None:
    from support import opik_client

    named = dict(re.findall(r"export (\w+)=(\S+)", "".join(blocks(PAGE, "sh"))))
    assert {name: named.get(name) for name in opik_client.QUIET} == opik_client.QUIET
    assert named["OPIK_URL_OVERRIDE"].endswith(opik_client.BASE)
