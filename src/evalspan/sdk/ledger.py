"""Accounting of telemetry: produced, acknowledged, failed, by signal and by experiment run.

Every item that was produced ends in exactly one of acknowledged and failed; what is in neither is
still under way.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Signal = Literal["spans", "scores"]
SIGNALS: tuple[Signal, ...] = ("spans", "scores")


@dataclass
class Counts:
    """One signal's account."""

    produced: int = 0
    acknowledged: int = 0
    failed: int = 0

    @property
    def pending(self) -> int:
        return self.produced - self.acknowledged - self.failed


@dataclass
class Account:
    """What became of everything that one experiment run (or the whole process) produced."""

    spans: Counts = field(default_factory=Counts)
    scores: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter[str])

    def of(self, signal: Signal) -> Counts:
        return self.spans if signal == "spans" else self.scores

    @property
    def pending(self) -> int:
        return self.spans.pending + self.scores.pending

    @property
    def failed(self) -> int:
        return self.spans.failed + self.scores.failed

    @property
    def complete(self) -> bool:
        """Whether everything produced was acknowledged."""
        return self.pending == 0 and self.failed == 0

    def __str__(self) -> str:
        parts = [
            f"{c.produced} {name} produced, {c.acknowledged} acknowledged, {c.failed} failed"
            for name, c in (("spans", self.spans), ("scores", self.scores))
        ]
        reasons = [f"{count} x {reason}" for reason, count in self.reasons.most_common(3)]
        return "; ".join([*parts, *reasons])


class Ledger:
    """The accounts of a process: one of everything, one for each opened experiment."""

    def __init__(self) -> None:
        # Reentrant: the garbage collector may end the span of a forgotten call in the thread that counts.
        self._lock = threading.RLock()
        self._total = Account()
        self._accounts: dict[str, Account] = {}

    def open(self, experiment_id: str) -> None:
        """A fresh account for an experiment that starts running."""
        with self._lock:
            self._accounts[experiment_id] = Account()

    def produced(self, signal: Signal, experiment_id: str) -> None:
        with self._lock:
            for account in self._of(experiment_id):
                account.of(signal).produced += 1

    def acknowledged(self, signal: Signal, experiment_ids: list[str]) -> None:
        with self._lock:
            for experiment_id, count in Counter(experiment_ids).items():
                for account in self._of(experiment_id):
                    account.of(signal).acknowledged += count

    def failed(self, signal: Signal, experiment_ids: list[str], reason: str) -> None:
        with self._lock:
            for experiment_id, count in Counter(experiment_ids).items():
                for account in self._of(experiment_id):
                    account.of(signal).failed += count
                    account.reasons[reason] += count

    def account(self, experiment_id: str = "") -> Account:
        """A copy of an experiment's account, of the whole process's without an id."""
        with self._lock:
            found = self._accounts.get(experiment_id, Account()) if experiment_id else self._total
            return Account(Counts(**vars(found.spans)), Counts(**vars(found.scores)), Counter(found.reasons))

    def _of(self, experiment_id: str) -> list[Account]:
        own = self._accounts.get(experiment_id)
        return [self._total] if own is None else [self._total, own]
