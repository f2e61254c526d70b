"""Slips of the pen: a field that is nearly one that there is, and would be left out in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

from evalspan.errors import UsageError

_NEAR: Final = 0.88  # one letter more, less or other in eight


def refuse(given: Iterable[str], known: Collection[str], answered: Collection[str] = ()) -> None:
    """Others that are not known are let through: the vendors' newer clients send more.

    Args:
        known: the fields that can be said.
        answered: those that answers have beside them, and that may be sent back.

    Raises:
        UsageError: it names the field that was meant.
    """
    for field in given:
        near = get_close_matches(field, known, 1, _NEAR)
        if near and field not in known and field not in answered:
            raise UsageError(f"There is no {field!r}; did you mean {near[0]!r}?", pointer=f"/{field}")
