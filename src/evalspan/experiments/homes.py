"""Records by their id alone, for callers that do not know the dataset.

An id is unique in its dataset only, so there may be several; a record that was removed is found too, as
it was before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from evalspan.experiments.entity import Moment
from evalspan.model import Record
from evalspan.store import Store, sql


class HomedRecord(BaseModel):
    """A record with the dataset that holds it, or held it until `removed_at`."""

    record: Record
    dataset_id: str
    dataset: str
    project_id: str
    version: int
    created_at: Moment
    updated_at: Moment
    removed_at: Moment | None = None


def find(store: Store, record_ids: Sequence[str]) -> list[HomedRecord]:
    """Every record that has or had one of these ids."""
    parameters = {"record_ids": list(record_ids)}
    found: list[HomedRecord] = []
    for row in store.query(sql("queries/find_homes"), parameters):
        content = {name: json.loads(row.pop(name)) for name in ("input", "expected_output", "metadata")}
        record = Record(id=row.pop("record_id"), tags=row.pop("tags"), **content)
        removed: datetime | None = row.pop("removed_at")
        found.append(HomedRecord(record=record, removed_at=removed, **row))
    return found
