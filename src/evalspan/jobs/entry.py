"""What is kept of one item, and the journal in which it is written down.

The journal gathers what many items write at once into one insert: a write of one row took 5 to 12 ms on
the embedded engine, and so does one of a hundred.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from pydantic import BaseModel

from evalspan.errors import StoreUnavailable
from evalspan.experiments import documents, rows
from evalspan.experiments.documents import Document
from evalspan.experiments.entity import Moment, next_revision, now
from evalspan.jobs.job import Item, ItemStatus, Job, Metrics, item_id, root_span_id
from evalspan.jobs.state import ITEM
from evalspan.model import Json, Record
from evalspan.store import Store

logger = logging.getLogger("evalspan.jobs")

_PAUSE: Final = 0.5  # seconds before a store that is away is tried again


class Entry(BaseModel):
    """One item, as it stands. Dollars are trillionths."""

    record_id: str
    run_iteration: int
    attempt: int = 0
    """How often it was begun again, after it failed or its service was killed."""
    status: ItemStatus = "pending"
    input: Json = None
    """What was handed in as the input; None leaves the record's."""
    output: Json = None
    error: str = ""
    error_type: str = ""
    name: str = ""
    metadata: dict[str, Json] = {}
    metrics: Metrics = Metrics()
    scored: list[str] = []
    """The evaluators that are through."""
    spent_usd: int = 0
    spent_tokens: int = 0
    unpriced: int = 0
    """Calls whose price is not known."""
    unmetered: int = 0
    """Calls whose answer did not say what they used."""
    reserved_usd: int = 0
    reserved_tokens: int = 0
    turn: int = 0
    """The last one in which it was begun."""
    started_at: Moment | None = None
    completed_at: Moment | None = None
    created_at: Moment | None = None
    revision: int = 0

    def trace(self, job: Job) -> str:
        """The id of its trace."""
        return item_id(job.experiment_id, self.record_id, self.run_iteration, self.attempt)

    def is_called(self, job: Job, wanted: str) -> bool:
        """Whether that is the id of its trace or of its root span, in any attempt."""
        for attempt in range(self.attempt + 1):
            identity = item_id(job.experiment_id, self.record_id, self.run_iteration, attempt)
            if wanted in (identity, root_span_id(identity)):
                return True
        return False

    def document(self, job: Job) -> Document:
        """The next revision of it."""
        self.revision = next_revision(self.revision)
        self.created_at = self.created_at or now()
        return Document(
            kind=ITEM,
            id=item_id(job.experiment_id, self.record_id, self.run_iteration),
            parent=job.experiment_id,
            project_id=job.project_id,
            name=self.status,
            body=self.model_dump(mode="json", exclude={"status", "revision", "created_at"}),
            created_at=self.created_at,
            updated_at=now(),
            revision=self.revision,
        )

    def item(self, job: Job, record: Record, *, waiting: bool = False) -> Item:
        """As callers see it."""
        identity = self.trace(job)
        return Item(
            id=identity,
            span_id=root_span_id(identity),
            status="waiting" if waiting and self.status == "pending" else self.status,
            input=record.input if self.input is None else self.input,
            expected_output=record.expected_output,
            metadata={**rows.metadata(record), **self.metadata},
            **self.model_dump(
                include={
                    "record_id", "run_iteration", "output", "error", "error_type", "name", "metrics",
                    "started_at", "completed_at",
                }
            ),
        )  # fmt: skip


def entry_of(document: Document) -> Entry:
    more: dict[str, Any] = {"status": document.name, "revision": document.revision}
    return Entry.model_validate({**document.body, **more, "created_at": document.created_at})


def entries(store: Store, experiment_id: str) -> dict[tuple[str, int], Entry]:
    """What is kept of a job's items, by record and iteration; nobody began the others."""
    found = map(entry_of, documents.find(store, ITEM, parent=experiment_id))
    return {(each.record_id, each.run_iteration): each for each in found}


def entry_by_id(store: Store, experiment_id: str, item: str) -> Entry | None:
    found = documents.find(store, ITEM, parent=experiment_id, ids=[item])
    return entry_of(found[0]) if found else None


class Journal:
    """Writes entries; runs on one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Document, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, job: Job, entry: Entry) -> None:
        """When this returns, the store holds the entry. While the store is away, it waits."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry.document(job), written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        await written

    async def is_newer(self, job: Job, entry: Entry) -> bool:
        """Whether the store holds a later entry than this one."""
        identity = item_id(job.experiment_id, entry.record_id, entry.run_iteration)
        found = await asyncio.to_thread(
            documents.find, self._store, ITEM, parent=job.experiment_id, ids=[identity]
        )
        return bool(found) and found[0].revision > entry.revision

    async def _run(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            error = await self._insert([document for document, _ in taken])
            for document, written in taken:
                # What cannot be stored must not take along what was to be written with it.
                trouble = error and (await self._insert([document]) if len(taken) > 1 else error)
                if written.done():  # who waited was cancelled
                    continue
                if trouble is None:
                    written.set_result(None)
                else:
                    written.set_exception(trouble)

    async def _insert(self, found: list[Document]) -> Exception | None:
        while True:
            try:
                await asyncio.to_thread(documents.put_all, self._store, found)
            except StoreUnavailable as error:
                logger.warning("What became of %d items is not written yet: %s", len(found), error)
                await asyncio.sleep(_PAUSE)
            except Exception as error:
                return error
            else:
                return None
