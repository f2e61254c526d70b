"""Records from an uploaded CSV file.

The first three columns are JSON text, as ddtrace writes them: `""` (an empty JSON string) says that
there is none. A cell that is not JSON is taken as the text that it is.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from evalspan.api.envelope import chunks
from evalspan.errors import UsageError
from evalspan.model import Record

CONTENT: Final = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        }
    }
}
_COLUMNS: Final = ("input", "expected_output", "metadata", "id", "tags")
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{0,128}")
csv.field_size_limit(2**31 - 1)  # the body is limited; a long cell is a long text, not a mistake


async def read(request: Request) -> list[Record]:
    """The records in the part `file` of the request.

    Raises:
        UsageError: there is no such part, or it is not such a file.
    """
    form = await _form(request)
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise UsageError("The form has no file: send the CSV as the part 'file'.")
        return list(_records(_text(await file.read())))
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise UsageError(f"Content-Type {kind!r} is not multipart/form-data.")
    try:
        return await MultiPartParser(request.headers, chunks(request)).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        detail = getattr(error, "message", str(error))
        raise UsageError(f"The request body is not a form: {detail}.") from None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The file is not UTF-8: {error}.") from None


def _records(text: str) -> Iterator[Record]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = list(reader.fieldnames or ())
        if "input" not in names or not set(names) <= set(_COLUMNS):
            raise UsageError(f"The header of the file is {names!r}; its columns are {', '.join(_COLUMNS)}.")
        for line in reader:
            yield _record(line, f"line {reader.line_num} of the file")
    except csv.Error as error:
        raise UsageError(f"Line {reader.line_num} of the file is not CSV: {error}.") from None


def _record(line: dict[str | None, Any], where: str) -> Record:
    if None in line or None in line.values():
        raise UsageError(f"The number of cells in {where} is not that of the header.")
    metadata, tags = _value(line.get("metadata")), _value(line.get("tags"))
    if not isinstance(metadata or {}, dict):
        raise UsageError(f"The metadata in {where} is not a JSON object: {line['metadata']!r:.80}.")
    if not isinstance(tags or [], list) or not all(isinstance(tag, str) for tag in tags or ()):
        raise UsageError(f"The tags in {where} are not a JSON list of strings: {line['tags']!r:.80}.")
    identity = line.get("id", "")
    if not _ID.fullmatch(identity):
        raise UsageError(
            f"The id in {where} is {identity!r:.140}; it has at most 128 letters, digits or any of _ . : -"
        )
    return Record(
        id=identity,
        input=_value(line["input"]),
        expected_output=_value(line.get("expected_output")),
        metadata=metadata or {},
        tags=tags or [],
    )


def _value(cell: str | None) -> Any:
    if not cell or cell == '""':
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
