"""Reading foreign JSON without trusting its shape: what is not as expected reads as empty."""

from __future__ import annotations

from typing import Any, cast

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
