"""The wire formats that the capture reads, one file each.

A format is three pure functions over JSON. They may raise on anything unexpected: the caller
counts that and leaves the call alone.

Every module here that has a `FORMATS` takes part, and so does every one that an installed package
names in the entry-point group `evalspan.capture.formats`; those of packages come first.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from evalspan.capture.formats.base import Format, Half
from evalspan.capture.trouble import note

GROUP = "evalspan.capture.formats"

__all__ = ["GROUP", "Format", "Half", "find", "formats"]


@cache
def formats() -> tuple[Format, ...]:
    """All formats, in the order in which they are asked."""
    own = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return (*_of_packages(), *(item for module in own for item in getattr(module, "FORMATS", ())))


def find(method: str, path: str) -> Format | None:
    """The format of a request, by its method and path."""
    if method != "POST":
        return None
    path = path.rstrip("/")
    for item in formats():
        try:
            if item.path.search(path):
                return item
        except Exception as trouble:
            note(f"wire format {type(item).__qualname__} has no path to search", repr(trouble))
    return None


def _of_packages() -> list[Format]:
    found: list[Format] = []
    for entry in entry_points(group=GROUP):
        try:
            found += entry.load()
        except Exception as trouble:
            note(f"wire formats of {entry.value!r} not loaded", repr(trouble))
    return found
