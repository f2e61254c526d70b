"""Decoded rows on their way to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evalspan.ingest.marks import Mark
from evalspan.ingest.receipt import Findings, Receipt
from evalspan.store import Block

Row = tuple[Any, ...]
RECEIVED_AT: Final = "received_at"
MAX_NS: Final = 2**63 - 1  # the last instant of DateTime64(9): 2262-04-11


@dataclass
class Batch:
    """What one request holds, per table, and what was found wrong with the rest.

    Rows lack `received_at`, which is the time of the commit. `experiments` has one row for each
    experiment of which the batch has a case.
    """

    noun: str
    rows: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    blocks: dict[str, Block] = field(default_factory=dict[str, Block])
    """The rows once they are encoded; `rows` is empty then."""
    experiments: dict[str, Row] = field(default_factory=dict[str, Row])
    mentioned: dict[str, str] = field(default_factory=dict[str, str])
    """The project of each experiment of which the batch has a score."""
    marks: set[Mark] = field(default_factory=set[Mark])
    """What the views must know of experiments beside their rows."""
    findings: Findings = field(default_factory=Findings)
    accepted: int = 0
    llm_spans_without_tokens: int = 0
    dialects: Counter[str] = field(default_factory=Counter[str])
    """Spans by dialect; '' where none was found."""

    def add(self, table: str, row: Row) -> None:
        """One more row."""
        self.rows.setdefault(table, []).append(row)

    def merge(self, other: Batch) -> None:
        """Take in what another part of the same request holds."""
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        for experiment_id, row in other.experiments.items():
            known = self.experiments.get(experiment_id)
            if known is None or row[-2] < known[-2]:  # the earliest case dates an experiment
                self.experiments[experiment_id] = row
        self.mentioned = {**other.mentioned, **self.mentioned}
        self.marks |= other.marks
        self.findings.merge(other.findings)
        self.accepted += other.accepted
        self.llm_spans_without_tokens += other.llm_spans_without_tokens
        self.dialects += other.dialects

    def row_counts(self) -> dict[str, int]:
        """How many encoded rows each table gets."""
        return {table: block.rows for table, block in self.blocks.items()}

    def receipt(self) -> Receipt:
        """The answer, once the rows are committed."""
        return self.findings.receipt(self.accepted, self.noun)


def columns(names: Sequence[str], rows: Sequence[Row], received_at: int) -> dict[str, Sequence[Any]]:
    """Rows as the columns that the store takes."""
    block: dict[str, Sequence[Any]] = dict(zip(names, zip(*rows, strict=True), strict=True))
    block[RECEIVED_AT] = [received_at] * len(rows)
    return block
