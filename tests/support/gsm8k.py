"""Questions of GSM8K with what a model really answered; made ones where the data is not there.

The data is not ours to ship: it is looked for in the folder EVALSPAN_GSM8K, then in `shared/data/gsm8k`
beside the checkout.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Solved:
    """A question, the reference answer, a model's solution, and whether its recording calls it right."""

    question: str
    reference: str
    solution: str
    right: bool


def folder() -> Path:
    return Path(os.environ.get("EVALSPAN_GSM8K") or ROOT.parent / "shared" / "data" / "gsm8k")


def solved(model: str, limit: int | None = None) -> list[Solved]:
    """The first `limit` questions, or all 1,319."""
    if not (folder() / "test.jsonl").is_file():
        return [_made(number) for number in range(limit or 1319)]
    solutions = {row["question"]: row[model] for row in _rows("example_model_solutions.jsonl")}
    return [
        Solved(
            row["question"],
            row["answer"],
            solutions[row["question"]]["solution"],
            solutions[row["question"]]["is_correct"],
        )
        for row in _rows("test.jsonl")[:limit]
    ]


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder() / name).read_text(encoding="utf-8").splitlines()]


def _made(number: int) -> Solved:
    """Every third one is wrong."""
    right = number % 3 != 0
    return Solved(
        f"What comes after {number}?",
        f"It is the next one.\n#### {number + 1}",
        f"I count on.\nA: {number + 1 if right else number}",
        right,
    )
