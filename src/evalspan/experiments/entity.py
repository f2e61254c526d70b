"""What projects, datasets and experiments share: identity, revisions, pages."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator

from evalspan.errors import NotFoundError, UsageError
from evalspan.store import Store, sql

_NAMESPACE = uuid.UUID("6f0e6f2a-7d5e-5f3c-9a3b-e7a15ba9d000")
END_OF_TIME = datetime(2299, 12, 31, tzinfo=UTC)
MAX_PAGE = 5000
_CANDIDATES = 8

T = TypeVar("T")


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
"""A point in time; what ClickHouse returns without a zone is UTC."""


def named_id(kind: str, *names: str) -> str:
    """An id that follows from the name, so that two writers who create the same thing at the same
    moment, on two replicas, write the same row."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps([kind, *names])))


def place(store: Store, kind: str, *names: str) -> tuple[str, bool]:
    """The id for the entity of a name, the last of `names`, and whether it is there already.

    It is made of the name or, where that id was given to an entity that is now deleted or has
    another name, of the name and a number: two replicas that look at once come to the same one.
    """
    for start in itertools.count(0, _CANDIDATES):
        candidates = [
            named_id(kind, *names, *([str(n)] if n else [])) for n in range(start, start + _CANDIDATES)
        ]
        rows = {str(row[f"{kind}_id"]): row for row in _known(store, kind, candidates)}
        for candidate in candidates:
            row = rows.get(candidate)
            if row is None or (row["name"] == names[-1] and not row["deleted"]):
                return candidate, row is not None
    raise AssertionError


def check_ever(store: Store, kind: str, ids: Sequence[str]) -> None:
    """Raises NotFoundError for an id that no entity ever had, deleted ones included."""
    used = {str(row[f"{kind}_id"]) for row in _known(store, kind, ids)}
    for identity in ids:
        if identity not in used:
            raise NotFoundError(f"There is no {kind} {identity!r}.", pointer=f"/data/attributes/{kind}_ids")


def _known(store: Store, kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    return store.query(sql(f"queries/known_{kind}s"), {"ids": list(ids)})


def now() -> datetime:
    return datetime.now(UTC)


def next_revision(previous: int = 0) -> int:
    """Later than `previous` and than anything written before on this clock."""
    return max(previous + 1, time.time_ns())


def first_revision() -> int:
    """The revision of a creation: below that of any update, and the lower the later, so that of two
    replicas that create the same thing the first one's content stays."""
    return (2**62 - time.time_ns()) // 16


def micros(moment: datetime) -> int:
    """A DateTime64(6) for a block of columns."""
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


def single_row(values: dict[str, Any]) -> dict[str, list[Any]]:
    """A block of one row; datetimes become what DateTime64(6) takes."""
    return {name: [micros(value) if isinstance(value, datetime) else value] for name, value in values.items()}


@dataclass(frozen=True)
class Page(Generic[T]):
    """A slice of a list, and where the next one starts ('' at the end)."""

    items: Sequence[T]
    after: str = ""


def encode_cursor(*parts: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(text: str, types: tuple[type, ...]) -> list[Any]:
    """The parts of a cursor.

    Raises:
        UsageError: the text is not a cursor that this service gave out.
    """
    try:
        text.encode()
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if isinstance(parts, list) and [type(part) for part in parts] == list(types):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            json.dumps(parts, ensure_ascii=False).encode()  # half a surrogate pair is no text
            return parts  # pyright: ignore[reportUnknownVariableType]
    except (ValueError, binascii.Error):
        pass
    raise UsageError(f"page[cursor]={text!r} is not a cursor of this list; take it from meta.after.")


def before_cursor(cursor: str) -> dict[str, Any]:
    """Query parameters for lists that run from the newest back."""
    if not cursor:
        return {"before": END_OF_TIME, "before_id": ""}
    moment, entity = decode_cursor(cursor, (str, str))
    try:
        return {"before": datetime.fromisoformat(moment), "before_id": entity}
    except ValueError:
        raise UsageError(f"page[cursor]={cursor!r} is not a cursor of this list.") from None


def page_limit(limit: int) -> int:
    """Raises UsageError outside 1..5000."""
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"page[limit]={limit} is not between 1 and {MAX_PAGE}.")
    return limit
