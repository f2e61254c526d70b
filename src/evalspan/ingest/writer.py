"""Group commit: one thread takes all that waits, inserts it as one block per table, then answers.

A commit waits for company only when the store was idle; under load the requests that arrive during
one commit are the next one. Experiments go in before the cases that name them, spans before the
scores that judge them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from evalspan.errors import StoreError, StoreUnavailable
from evalspan.ingest import introductions
from evalspan.ingest.batch import Batch, Row
from evalspan.ingest.budget import Budget
from evalspan.ingest.encoder import COLUMNS
from evalspan.ingest.introductions import Introductions
from evalspan.ingest.marks import Mark, Marks
from evalspan.ingest.receipt import Receipt
from evalspan.ingest.stats import Counters
from evalspan.store import Store

logger = logging.getLogger("evalspan.ingest")

_COMMIT_BYTES: Final = 32 * 1024 * 1024  # enough for a large block, little enough to be answered soon


@dataclass(frozen=True)
class _Job:
    batch: Batch
    size: int
    answer: Future[Receipt]


class Writer:
    """The only one that inserts telemetry."""

    def __init__(self, store: Store, linger: float, budget: Budget, counters: Counters) -> None:
        self._store = store
        self._linger = linger
        self._budget = budget
        self._counters = counters
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._introductions = Introductions(store)
        self._marks = Marks(store)
        self._thread = threading.Thread(target=self._run, name="evalspan-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, size: int) -> Future[Receipt]:
        """Queue a batch. The future answers when it is committed, and `size` bytes of the budget
        are given back then; it cannot be cancelled.

        Raises:
            StoreUnavailable: the service is shutting down.
        """
        answer: Future[Receipt] = Future()
        answer.set_running_or_notify_cancel()
        with self._wake:
            if self._closing:
                raise StoreUnavailable("The service is shutting down.")
            self._waiting.append(_Job(batch, size, answer))
            self._wake.notify()
        return answer

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                idle = not self._waiting
                while not self._waiting:
                    if self._closing:
                        return
                    self._wake.wait()
            if idle and self._linger and not self._closing:
                time.sleep(self._linger)
            jobs = self._take()
            try:
                self._commit(jobs)
            except Exception as error:
                # Nothing may end this thread, and nobody may wait for ever.
                logger.exception("The writer failed")
                self._fail([job for job in jobs if not job.answer.done()], error)

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        size = 0
        with self._wake:
            while self._waiting and (not jobs or size + self._waiting[0].size <= _COMMIT_BYTES):
                jobs.append(self._waiting.popleft())
                size += jobs[-1].size
        return jobs

    def _commit(self, jobs: list[_Job]) -> None:
        """Commit together; where the store refuses the block, alone, so that a poisonous request
        does not sink its neighbours. What went in twice by that is replaced by itself."""
        try:
            batches = [job.batch for job in jobs]
            with self._counters.commit(batches):
                self._insert(batches)
        except StoreUnavailable as error:
            self._fail(jobs, error)
        except Exception as error:
            if len(jobs) == 1:
                logger.exception("A request could not be stored")
                self._fail(jobs, error if isinstance(error, StoreError) else StoreError(str(error)))
                return
            for job in jobs:
                self._commit([job])
        else:
            for job in jobs:
                self._budget.give(job.size)
                job.answer.set_result(job.batch.receipt())

    def _insert(self, batches: list[Batch]) -> None:
        self._introduce(batches)
        self._marks.write(set[Mark]().union(*(batch.marks for batch in batches)))
        for table in COLUMNS:
            blocks = [batch.blocks[table] for batch in batches if table in batch.blocks]
            if blocks:
                self._store.add(blocks)

    def _introduce(self, batches: list[Batch]) -> None:
        found: dict[str, Row] = {}
        for batch in batches:
            found.update({key: row for key, row in batch.experiments.items() if key not in found})
        for batch in batches:
            for key, project in batch.mentioned.items():
                found.setdefault(key, introductions.nameless(key, project, time.time_ns() // 1000))
        self._introductions.write(found)

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        for job in jobs:
            self._budget.give(job.size)
            self._counters.failed(job.batch)
            job.answer.set_exception(error)
