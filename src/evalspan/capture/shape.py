"""Reading foreign JSON without trusting its shape: what is not as expected reads as empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.util.types import AttributeValue

from evalspan.model import Json


def mapping(value: Json) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def items(value: Json) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return cast(list[Any], value) if isinstance(value, list) else []


def mappings(value: Json) -> list[dict[str, Any]]:
    """The objects of an array."""
    return [cast(dict[str, Any], item) for item in items(value) if isinstance(item, dict)]


def text(value: Json) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def integer(value: Json) -> int | None:
    """The value if it is a whole number (true and false are none)."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: Json) -> float | int | None:
    """The value if it is a number (true and false are none)."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def double(value: Json) -> float | None:
    """The value if it is a number, as the double of the conventions: JSON's 0 arrives as an int."""
    found = number(value)
    return None if found is None else float(found)


def count(value: Json) -> int | None:
    """The value if it is a whole number, also where it is written as 12.0 (Cohere does)."""
    found = number(value)
    return int(found) if found is not None and float(found).is_integer() else None


def total(*counts: int | None) -> int | None:
    """The sum of the counts that are known; None where none is."""
    known = [item for item in counts if item is not None]
    return sum(known) if known else None


def strings(value: Json) -> list[str] | None:
    """A text, or the texts of an array; None where there is none."""
    found = [value] if isinstance(value, str) else [item for item in items(value) if isinstance(item, str)]
    return found or None


def parsed(value: Json) -> Json:
    """JSON that travels as text (a tool call's arguments); what is no JSON stays as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def present(found: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    """The attributes that have a value."""
    return {name: value for name, value in found.items() if value is not None}


def complaint(body: Json) -> str:
    """The short code of an error answer. Not its message: that may quote the key or the prompt.

    Google sends the error inside an array where the answer would have been streamed as one.
    """
    answer = mapping(items(body)[0] if items(body) else body)
    error = mapping(answer.get("error")) or answer
    return next((code for key in ("code", "status", "type") if (code := text(error.get(key)))), "")


def failure(body: Json) -> str | None:
    """`error.type` of an answer that began well and says in its course that it failed."""
    error = mapping(body).get("error")
    if not error:
        return None
    number_said = integer(mapping(error).get("code"))
    return complaint(body) or ("_OTHER" if number_said is None else str(number_said))
