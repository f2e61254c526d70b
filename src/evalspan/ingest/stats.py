"""What the ingest has done since it started."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass

from evalspan.ingest.batch import Batch

logger = logging.getLogger("evalspan.ingest")


@dataclass(frozen=True)
class IngestStats:
    """Counters of one process, from its start. Resent items count each time."""

    accepted: dict[str, int]
    """Committed items, by what they are: spans, log records, data points."""
    rejected: dict[str, int]
    """Items that were not kept, by reason."""
    warned: dict[str, int]
    """Items that were kept although something about them was wrong, by what."""
    failed_requests: int
    """Requests that were answered with an error because the store failed."""
    llm_spans_without_tokens: int
    """LLM spans whose token usage no dialect could map; their columns are NULL."""
    commits: int
    pending_bytes: int


class Counters:
    """The counters behind IngestStats; thread-safe."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._accepted: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._warned: Counter[str] = Counter()
        self._failed = 0
        self._tokenless = 0
        self._commits = 0

    def committed(self, batches: list[Batch]) -> None:
        """Batches that are in the store."""
        with self._mutex:
            self._commits += 1
            for batch in batches:
                self._accepted[batch.noun] += batch.accepted
                self._tokenless += batch.llm_spans_without_tokens

    def failed(self) -> None:
        """A request that the store did not take."""
        with self._mutex:
            self._failed += 1

    def found(self, batch: Batch) -> None:
        """What was wrong with the items of a request; the first of each kind is logged."""
        findings = batch.findings
        if not findings.rejected and not findings.warned:
            return
        with self._mutex:
            known = self._rejected.keys() | self._warned.keys()
            self._rejected.update(findings.rejected)
            self._warned.update(findings.warned)
        if (findings.rejected.keys() | findings.warned.keys()) - known:
            logger.warning("%s", batch.receipt().message)

    def read(self, pending_bytes: int) -> IngestStats:
        """The counters as they stand."""
        with self._mutex:
            return IngestStats(
                accepted=dict(self._accepted),
                rejected=dict(self._rejected),
                warned=dict(self._warned),
                failed_requests=self._failed,
                llm_spans_without_tokens=self._tokenless,
                commits=self._commits,
                pending_bytes=pending_bytes,
            )
