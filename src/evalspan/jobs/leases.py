"""Who runs a job, among all services on one store.

A lease is claimed under its number (claims) and written down with the time until which it holds; who holds
it renews it. When that time is past, the next number may be claimed. Clocks of services must agree within a
fraction of a lease, as any pair of NTP clients does. On an embedded store there is one service: leases of
others are those of processes that are gone.
"""

from __future__ import annotations

import time
from typing import Final

from pydantic import BaseModel

from evalspan.errors import StoreUnavailable
from evalspan.experiments import documents
from evalspan.experiments.claims import Claims
from evalspan.experiments.documents import Document
from evalspan.experiments.entity import next_revision, now
from evalspan.jobs.state import LEASE
from evalspan.store import Store

_MARGIN: Final = 0.8  # of a lease, after which its holder no longer trusts it


class _Lease(BaseModel):
    number: int = 0
    owner: str = ""
    until: float = 0.0
    """Seconds since 1970."""


class Leases:
    """Of one service. Every call may block; not for several threads at once on one job."""

    def __init__(self, store: Store, owner: str, seconds: float) -> None:
        self._store = store
        self._claims = Claims(store)
        self._owner = owner
        self._seconds = seconds
        self._held: dict[str, tuple[int, float]] = {}  # number, and until when by our own clock
        self._refused: dict[tuple[str, int], float] = {}  # claims of others, and since when we know them

    @property
    def seconds(self) -> float:
        return self._seconds

    def acquire(self, experiment_id: str, project_id: str) -> bool:
        """Whether the job is ours now."""
        lease = self._read(experiment_id)
        alone = self._store.dsn.embedded
        if not alone and lease.owner != self._owner and lease.until > time.time():
            return False
        number = lease.number + 1
        while (holder := self._claim(experiment_id, number)) != self._owner:
            # Whoever claimed it has not written it down: it is about to, or it was killed in between.
            seen = self._refused.setdefault((experiment_id, number), time.monotonic())
            if not (alone and holder) and time.monotonic() - seen < self._seconds:
                return False
            number += 1
        self._write(experiment_id, project_id, number)
        return True

    def renew(self, experiment_id: str, project_id: str) -> bool:
        """Whether the job is still ours; call it every third of a lease."""
        number, _ = self._held.get(experiment_id, (0, 0.0))
        if not number or self._read(experiment_id).number != number:
            self._held.pop(experiment_id, None)
            return False
        self._write(experiment_id, project_id, number)
        return True

    def holds(self, experiment_id: str) -> bool:
        """Whether nobody else can have taken the job, as far as clocks can tell."""
        _, until = self._held.get(experiment_id, (0, 0.0))
        return self._store.dsn.embedded or time.monotonic() < until

    def release(self, experiment_id: str, project_id: str) -> None:
        """Give the job up, so that another may take it at once."""
        held = self.holds(experiment_id)
        number, _ = self._held.pop(experiment_id, (0, 0.0))
        if number and held:
            self._put(experiment_id, project_id, _Lease(number=number, owner="", until=0.0))

    def _claim(self, experiment_id: str, number: int) -> str:
        try:
            return self._claims.claim("job_lease", experiment_id, number, self._owner)
        except StoreUnavailable:
            return ""

    def _write(self, experiment_id: str, project_id: str, number: int) -> None:
        begun = time.monotonic()
        until = time.time() + self._seconds
        self._put(experiment_id, project_id, _Lease(number=number, owner=self._owner, until=until))
        self._held[experiment_id] = (number, begun + self._seconds * _MARGIN)

    def _read(self, experiment_id: str) -> _Lease:
        found = documents.find(self._store, LEASE, parent="", ids=[experiment_id])
        return _Lease.model_validate(found[0].body) if found else _Lease()

    def _put(self, experiment_id: str, project_id: str, lease: _Lease) -> None:
        moment = now()
        document = Document(
            kind=LEASE, id=experiment_id, project_id=project_id, body=lease.model_dump(),
            created_at=moment, updated_at=moment, revision=next_revision(),
        )  # fmt: skip
        documents.put_all(self._store, [document])
