"""JSON that a command takes from a file, from the standard input, or from its own arguments."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from evalspan.errors import UsageError
from evalspan.model import Json


def read_object(path: str) -> dict[str, Any]:
    """The JSON object in a file; `-` is the standard input.

    Raises:
        UsageError: there is none.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path!r} cannot be read as JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path!r} holds a JSON {type(found).__name__}; it must be an object.")
    return cast("dict[str, Any]", found)


def json_or_text(argument: str | None) -> Json:
    """An argument as the JSON that it is, else as the text."""
    if argument is None:
        return None
    try:
        return json.loads(argument)
    except ValueError:
        return argument
