"""A row of a dataset as vendors know it: a record, and what a record has no field for.

Beside input, expected output and metadata a row may hold an output, metrics, a model and more. They are
kept with the record, in its metadata under one key, so that versions and copies have them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from evalspan.model import Json, Record

KEY: Final = "_row"


def extras(record: Record) -> dict[str, Json]:
    """What the row has beside a record's own fields: `output`, `metrics`, `model`, ..."""
    found = record.metadata.get(KEY)
    return cast("dict[str, Json]", found) if isinstance(found, dict) else {}


def metadata(record: Record) -> dict[str, Json]:
    """The metadata that the row's author gave."""
    return {key: value for key, value in record.metadata.items() if key != KEY}


def combined(given: Mapping[str, Json], more: Mapping[str, Any]) -> dict[str, Json]:
    """The metadata of the record of a row."""
    stated = {key: value for key, value in more.items() if value is not None}
    return {**given, KEY: stated} if stated else dict(given)
