"""Whether one JSON document contains another, by the rules of PostgreSQL's `@>`.

An object contains the objects whose every key it has with a value that contains theirs. An array
contains the arrays whose every item some item of it contains: order and repetition do not count.
Anything else contains what equals it; numbers compare by value (1 is 1.0), true is not 1.
https://www.postgresql.org/docs/current/datatype-json.html#JSON-CONTAINMENT
"""

from __future__ import annotations

from typing import cast

from evalspan.errors import UsageError
from evalspan.model import Json


def contains(document: Json, wanted: Json) -> bool:
    """Whether `wanted` stands in `document`.

    Raises:
        UsageError: both are nested too deeply to tell.
    """
    try:
        return _contains(document, wanted)
    except RecursionError:
        raise UsageError("The metadata that is asked for is nested too deeply.") from None


def _contains(document: Json, wanted: Json) -> bool:
    if isinstance(wanted, dict):
        return isinstance(document, dict) and _has_all(
            cast("dict[str, Json]", document), cast("dict[str, Json]", wanted)
        )
    if isinstance(wanted, list):
        return isinstance(document, list) and all(
            any(_contains(item, each) for item in cast("list[Json]", document))
            for each in cast("list[Json]", wanted)
        )
    # Python takes True for 1.
    return isinstance(document, bool) == isinstance(wanted, bool) and document == wanted


def _has_all(document: dict[str, Json], wanted: dict[str, Json]) -> bool:
    return all(key in document and _contains(document[key], value) for key, value in wanted.items())
