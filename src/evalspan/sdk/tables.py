"""Reading records from JSONL and CSV files, with the file and line in every error."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from evalspan.errors import NotFoundError, UsageError


@dataclass(frozen=True)
class Line:
    """The values of one line, and where it stands (`file:line`)."""

    values: Mapping[str, Any]
    where: str


@dataclass(frozen=True)
class Pick:
    """Which columns make up a record; without `input`, the columns named as the parts are."""

    input: str | Sequence[str] | None = None
    expected_output: str | Sequence[str] | None = None
    metadata: Sequence[str] | None = None
    tags: str | None = None
    id: str | None = None

    def record(self, line: Line) -> dict[str, Any]:
        """The record of a line, as the constructor of Dataset takes it."""
        picked: dict[str, Any] = {}
        for part in ("input", "expected_output", "metadata", "tags", "id"):
            columns = getattr(self, part)
            if columns is not None:
                picked[part] = _value(line, columns, whole=part == "metadata")
        if self.input is None:
            known = ("input", "input_data", "expected_output", "metadata", "tags", "id")
            picked = {key: line.values[key] for key in known if key in line.values} | picked
        if isinstance(picked.get("tags"), str):
            picked["tags"] = [tag.strip() for tag in picked["tags"].split(",") if tag.strip()]
        if isinstance(picked.get("metadata"), str):
            picked["metadata"] = _parse(picked["metadata"] or "{}", line.where)
        return picked


def read_jsonl(path: Path) -> Iterator[Line]:
    """One JSON object per line; blank lines are passed over."""
    for number, text in enumerate(_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        value = _parse(text, where)
        if not isinstance(value, dict):
            raise UsageError(f"{where}: a line must be a JSON object, not {value!r:.80}.")
        yield Line(cast("dict[str, Any]", value), where)


def read_csv(path: Path, delimiter: str) -> Iterator[Line]:
    """A header, then rows; cells may hold line breaks."""
    reader = csv.reader(_text(path).splitlines(keepends=True), delimiter=delimiter)
    header = next(reader, None)
    if not header:
        raise UsageError(f"{path}:1: an empty file; the first line must name the columns.")
    number = reader.line_num
    for cells in reader:
        where, number = f"{path}:{number + 1}", reader.line_num
        if not cells:
            continue
        if len(cells) != len(header):
            raise UsageError(f"{where}: {len(cells)} cells under {len(header)} columns.")
        yield Line(dict(zip(header, cells, strict=True)), where)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {str(path)!r}.") from None
    except UnicodeDecodeError as error:
        number = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{number}: not UTF-8: {error.reason}.") from None


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: not JSON: {error.msg} at column {error.colno}.") from None


def _value(line: Line, columns: str | Sequence[str], *, whole: bool) -> Any:
    """The value of a column, or an object of several."""
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        if name not in line.values:
            raise UsageError(
                f"{line.where}: no column {name!r}; there are {', '.join(map(repr, line.values))}."
            )
    if isinstance(columns, str) and not whole:
        return line.values[columns]
    return {name: line.values[name] for name in names}
