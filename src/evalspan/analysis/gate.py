"""Conditions under which a comparison fails a check: `exact_match<-0.02`.

What cannot be said fails too: an evaluator that is not there, an interval that does not exist, and
records without a score on both sides, beyond those that are allowed to be missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from evalspan.analysis.comparison import Comparison, LabelComparison, ScoreComparison
from evalspan.errors import UsageError

Quantity = Literal["difference", "low", "high", "agreement"]
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_CONDITION = re.compile(rf"(?P<subject>.+?)\s*(?P<operator><=|>=|<|>)\s*(?P<threshold>{_NUMBER})")
_CALL = re.compile(r"(low|high|agreement)\((.+)\)")


@dataclass(frozen=True)
class Gate:
    """One `--fail-on`."""

    text: str
    quantity: Quantity
    evaluator: str
    operator: str
    threshold: float


def parse_gate(text: str) -> Gate:
    """`NAME<NUMBER` on the mean difference; `low(NAME)`, `high(NAME)` on the ends of its interval,
    `agreement(NAME)` on the share of equal categories.

    Raises:
        UsageError: it is none of these.
    """
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"--fail-on {text!r} is not NAME<NUMBER, such as exact_match<-0.02 "
            "(also <=, >, >=, and low(NAME), high(NAME), agreement(NAME))."
        )
    call = _CALL.fullmatch(found["subject"])
    quantity, evaluator = (call[1], call[2]) if call else ("difference", found["subject"])
    return Gate(text, cast(Quantity, quantity), evaluator, found["operator"], float(found["threshold"]))


def verdict(gate: Gate, comparison: Comparison, allow_missing: int = 0) -> str:
    """Why a comparison fails the gate, or '' where it passes."""
    pool = comparison.labels if gate.quantity == "agreement" else comparison.scores
    found = next((item for item in pool if item.name == gate.evaluator), None)
    if found is None:
        kind = "categories" if gate.quantity == "agreement" else "numbers"
        return f"{gate.text}: neither experiment has {kind} of an evaluator {gate.evaluator!r}"
    if found.unpaired > allow_missing:
        return (
            f"{gate.text}: {found.unpaired} of {found.unpaired + found.n} records lack a score of "
            f"{gate.evaluator!r} on one side or both (allowed: {allow_missing})"
        )
    value = _value(gate, found)
    if value is None:
        return f"{gate.text}: {gate.quantity} of {gate.evaluator!r} is unknown with {found.n} paired records"
    return f"{gate.text}: {gate.quantity} is {value:.6g}" if _met(gate, value) else ""


def _value(gate: Gate, found: ScoreComparison | LabelComparison) -> float | None:
    return cast("float | None", getattr(found, gate.quantity))


def _met(gate: Gate, value: float) -> bool:
    match gate.operator:
        case "<":
            return value < gate.threshold
        case "<=":
            return value <= gate.threshold
        case ">":
            return value > gate.threshold
        case _:
            return value >= gate.threshold
