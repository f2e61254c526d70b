"""The table in the documentation says what the tests saw."""

from __future__ import annotations

from capture.wires.clients import CLIENTS
from capture.wires.environments import ROOT
from capture.wires.table import head, rows

PAGE = ROOT / "docs" / "capture.md"


def test_the_committed_table_is_what_was_seen() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "\n".join((*head(), *rows(CLIENTS))) in page
