"""One trace or span, made of all that was written of it, in whatever order and however often.

Each field remembers the stamp that it was set with, so that writes commute. The start is the earliest
that was stated: what is derived from it then only ever moves one way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from evalspan.api.opik.writes import Write
from evalspan.model import Json

_SETS: Final = frozenset({"tags_to_add", "tags_to_remove"})


@dataclass
class Document:
    """`span` is '' for the trace itself."""

    trace: str
    span: str = ""
    fields: dict[str, Json] = field(default_factory=dict[str, Any])
    stamps: dict[str, str] = field(default_factory=dict[str, str])

    def apply(self, write: Write) -> bool:
        """Whether anything changed."""
        changes = [self._set(name, value, write.stamp) for name, value in write.fields.items()]
        return any(changes)

    @property
    def tags(self) -> list[str]:
        """The tags that it has after all additions and removals."""
        removed = set(self.fields.get("tags_to_remove", ()))
        found = [*self.fields.get("tags", ()), *self.fields.get("tags_to_add", ())]
        return [tag for tag in dict.fromkeys(found) if tag not in removed]

    def _set(self, name: str, value: Json, stamp: str) -> bool:
        known, set_with = self.fields.get(name), self.stamps.get(name)
        if name == "start_time":
            value = value if known is None else min(known, value)
        elif name in _SETS:
            value = sorted({*(known or ()), *_texts(value)})
        elif set_with is not None and stamp < set_with:
            return False
        if known == value and type(known) is type(value) and set_with == stamp:
            return False
        self.fields[name] = value
        self.stamps[name] = stamp if set_with is None else max(stamp, set_with)
        return known != value or self.stamps[name] != set_with


def _texts(value: Iterable[Any]) -> Iterable[str]:
    return (str(each) for each in value)
