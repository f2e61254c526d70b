"""docs/settings.md lists every setting, with its default and help."""

from __future__ import annotations

from pathlib import Path

from evalspan.settings import Settings, environment_name

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_lists_every_setting_with_its_default_and_help() -> None:
    expected = [
        f"| `{environment_name(name)}` | `{field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert [line for line in PAGE.read_text().splitlines() if line.startswith("| `")] == expected
