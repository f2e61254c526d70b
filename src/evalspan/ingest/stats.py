"""What the ingest has done since it started.

The counts are plain numbers behind one mutex, and OpenTelemetry's instruments look at them when
somebody collects: `/readyz`, `/metrics` and OTLP cannot disagree, and a request pays for no
instrument. Resent items count each time. At rest, received = committed + rejected + failed.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final

from evalspan.ingest.batch import Batch
from evalspan.ingest.budget import Budget
from evalspan.ingest.instruments import CommitInstruments

logger = logging.getLogger("evalspan.ingest")

NO_DIALECT: Final = "none"


@dataclass(frozen=True)
class IngestStats:
    """Counters of one process, from its start. Items are spans, log records and data points."""

    received: dict[str, int]
    """Items in requests that could be read, by what they are."""
    accepted: dict[str, int]
    """Committed items, by what they are."""
    rejected: dict[str, int]
    """Items that were not kept, by reason."""
    warned: dict[str, int]
    """Items that were kept although something about them was wrong, by what."""
    failed: dict[str, int]
    """Good items that the store did not take; their requests were answered with an error."""
    rows: dict[str, int]
    """Committed rows by table."""
    dialects: dict[str, int]
    """Committed spans by the dialect that they speak; 'none' where no dialect was found."""
    failed_requests: int
    """Requests that were answered with an error because the store failed."""
    overloads: int
    """Requests that were refused because too much was waiting."""
    llm_spans_without_tokens: int
    """LLM spans whose token usage no dialect could map; their columns are NULL."""
    commits: int
    pending_requests: int
    pending_bytes: int


@dataclass
class Counts:
    """The numbers themselves. What was found wrong is kept by (what it is, reason)."""

    received: Counter[str] = field(default_factory=Counter[str])
    accepted: Counter[str] = field(default_factory=Counter[str])
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    warned: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    failed: Counter[str] = field(default_factory=Counter[str])
    rows: Counter[str] = field(default_factory=Counter[str])
    dialects: Counter[str] = field(default_factory=Counter[str])
    failed_requests: int = 0
    tokenless: int = 0
    commits: int = 0
    pending_requests: int = 0


class Counters:
    """The counters behind IngestStats; thread-safe."""

    def __init__(self, budget: Budget, commits: CommitInstruments) -> None:
        self._mutex = threading.Lock()
        self._counts = Counts()
        self._budget = budget
        self._commits = commits

    @contextlib.contextmanager
    def request(self) -> Generator[None]:
        """A request that waits for its answer."""
        with self._mutex:
            self._counts.pending_requests += 1
        try:
            yield
        finally:
            with self._mutex:
                self._counts.pending_requests -= 1

    @contextlib.contextmanager
    def commit(self, batches: Sequence[Batch]) -> Generator[None]:
        """One attempt to commit these batches together; they count when it ends well."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._commits.failed(time.perf_counter() - began, error)
            raise
        self._commits.done(time.perf_counter() - began, self._committed(batches))

    def _committed(self, batches: Sequence[Batch]) -> int:
        """Count the batches; how many rows they have."""
        found = 0
        with self._mutex:
            counts = self._counts
            counts.commits += 1
            for batch in batches:
                rows = batch.row_counts()
                found += sum(rows.values())
                counts.rows.update(rows)
                counts.accepted[batch.noun] += batch.accepted
                counts.dialects.update(batch.dialects)
                counts.tokenless += batch.llm_spans_without_tokens
        return found

    def failed(self, batch: Batch) -> None:
        """The store did not take what a request holds."""
        with self._mutex:
            self._counts.failed_requests += 1
            self._counts.failed[batch.noun] += batch.accepted

    def found(self, batch: Batch) -> None:
        """What a request holds, and what was wrong with it; the first of each kind is logged."""
        findings = batch.findings
        noun = batch.noun
        with self._mutex:
            counts = self._counts
            counts.received[noun] += batch.accepted + findings.rejected.total()
            if not findings.rejected and not findings.warned:
                return
            known = counts.rejected.keys() | counts.warned.keys()
            counts.rejected.update({(noun, reason): n for reason, n in findings.rejected.items()})
            counts.warned.update({(noun, reason): n for reason, n in findings.warned.items()})
            news = (counts.rejected.keys() | counts.warned.keys()) - known
        if news:
            logger.warning("%s", batch.receipt().message)

    def copy(self) -> Counts:
        """The numbers at one moment."""
        with self._mutex:
            return copy.deepcopy(self._counts)

    def read(self) -> IngestStats:
        """The counters as they stand."""
        counts = self.copy()
        return IngestStats(
            received=dict(counts.received),
            accepted=dict(counts.accepted),
            rejected=_by_reason(counts.rejected),
            warned=_by_reason(counts.warned),
            failed=dict(counts.failed),
            rows=dict(counts.rows),
            dialects={name or NO_DIALECT: n for name, n in counts.dialects.items()},
            failed_requests=counts.failed_requests,
            overloads=self._budget.refusals,
            llm_spans_without_tokens=counts.tokenless,
            commits=counts.commits,
            pending_requests=counts.pending_requests,
            pending_bytes=self._budget.used,
        )


def _by_reason(counts: Counter[tuple[str, str]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for (_noun, reason), n in counts.items():
        sums[reason] += n
    return dict(sums)
