"""The table in the documentation says what the tests saw."""

from __future__ import annotations

from pathlib import Path

from capture.wires.table import table

PAGE = Path(__file__).parents[3] / "docs" / "capture.md"


def test_the_committed_table_is_what_was_seen() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")
