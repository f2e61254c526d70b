"""Who was first, among all services on one ClickHouse.

ClickHouse has no transactions over statements, but of several inserts with one deduplication token
it keeps exactly one. A claim is such an insert; reading it back says who holds it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from evalspan.errors import StoreUnavailable
from evalspan.store import Store, sql

Kind = Literal[
    "dataset_change",
    "dataset_name",
    "experiment_name",
    "prompt_slug",
    "prompt_version",
    "evaluator_slug",
    "evaluator_version",
    "opik_prompt_version",
    "job_lease",
]


class Claims:
    """Thread-safe, and safe between processes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, kind: Kind, subject: str, number: int, owner: str, version: int = 0) -> str:
        """Claim a place in a row of places; whose it is now, which is `owner` or who came first."""
        key = {"kind": kind, "subject": subject, "number": number}
        token = hashlib.sha256(json.dumps([kind, subject, number]).encode()).hexdigest()
        self._store.command(sql("queries/claim"), {**key, "owner": owner, "version": version, "token": token})
        found = self._store.query(sql("queries/claimant"), key)
        if not found:  # a replica that has not fetched it yet
            raise StoreUnavailable(f"The claim to {kind} {subject!r} cannot be read yet; try again shortly.")
        return str(found[0]["owner"])
