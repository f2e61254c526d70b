"""What became of the items of one request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_EXAMPLE_LIMIT: Final = 300


@dataclass(frozen=True)
class Receipt:
    """The answer to one export: the accepted items are in ClickHouse."""

    accepted: int
    rejected: int = 0
    message: str = ""
    """Why items were rejected or, with none rejected, a warning; '' when all is well."""


@dataclass
class Findings:
    """What was wrong with the items of one request: reasons, how often, and an example of each."""

    rejected: Counter[str] = field(default_factory=Counter[str])
    warned: Counter[str] = field(default_factory=Counter[str])
    _examples: dict[str, str] = field(default_factory=dict[str, str])

    def reject(self, reason: str, example: str, count: int = 1) -> None:
        """An item is not kept."""
        self.rejected[reason] += count
        self._examples.setdefault(reason, example[:_EXAMPLE_LIMIT])

    def warn(self, reason: str, example: str) -> None:
        """An item is kept, although something about it is wrong."""
        self.warned[reason] += 1
        self._examples.setdefault(reason, example[:_EXAMPLE_LIMIT])

    def merge(self, other: Findings) -> None:
        """Add what was found elsewhere in the same request."""
        self.rejected += other.rejected
        self.warned += other.warned
        self._examples = other._examples | self._examples

    def receipt(self, accepted: int, noun: str) -> Receipt:
        """`noun`: what the items are, as in "spans"."""
        parts = [
            f"{count} {noun} {verb}: {reason} (for example {self._examples[reason]})"
            for verb, reasons in (("rejected", self.rejected), ("kept", self.warned))
            for reason, count in reasons.items()
        ]
        return Receipt(accepted, self.rejected.total(), "; ".join(parts))
