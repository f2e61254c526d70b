"""Rows as a table, JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

FORMATS = ("table", "json", "jsonl", "csv", "markdown")
_WIDEST = 60


def render(rows: Sequence[Mapping[str, Any]], output_format: str) -> str:
    """The rows as text, without a line break at the end. Nested maps become columns `scores.NAME`."""
    if output_format == "json":
        return json.dumps(list(rows), ensure_ascii=False, indent=2)
    if output_format == "jsonl":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    flat = [_flat(row) for row in rows]
    header = list(dict.fromkeys(name for row in flat for name in row))
    if output_format == "csv":
        return _csv(header, [[_exact(row.get(name)) for name in header] for row in flat])
    if output_format == "markdown":
        return markdown(header, [[_exact(row.get(name)) for name in header] for row in flat])
    return table(header, [[shown(row.get(name)) for name in header] for row in flat])


def table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Columns side by side; figures to the right."""
    if not header:
        return ""
    clipped = [[_clipped(cell) for cell in line] for line in cells]
    widths = [max(map(len, column)) for column in zip(header, *clipped, strict=True)]
    right = [all(_numeric(line[n]) for line in clipped) and bool(cells) for n in range(len(header))]
    lines = [header, ["─" * width for width in widths], *clipped]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def markdown(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(_in_markdown(cell) for cell in line) + " |" for line in lines)


def shown(value: Any) -> str:
    """A value for people: four digits, nothing for what is unknown."""
    return f"{value:.4g}" if isinstance(value, float) else _exact(value)


def _exact(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            flat.update({f"{name}.{key}": item for key, item in sorted(inner.items())})
        else:
            flat[name] = value
    return flat


def _csv(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *cells])
    return text.getvalue().rstrip("\n")


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


def _numeric(text: str) -> bool:
    return not text or text.lstrip("+-").replace(".", "", 1).replace("e-", "", 1).isdigit()


def _in_markdown(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
