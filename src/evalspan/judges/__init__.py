"""Judging one case by one evaluator: by rule, by a model, or by code where the operator allows it.

What goes wrong is a verdict with its error, never an exception: a record must not be lost for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.judges.verdict import Answer, Ask, Case, Value, Verdict, result_attributes


@dataclass(frozen=True)
class CodeLimits:
    """What code may use, where the operator enabled it."""

    seconds: float = 5.0
    """Of processor time."""
    memory: int = 256 * 1024 * 1024


async def judge(
    evaluator: EvaluatorVersion, case: Case, ask: Ask, *, code: CodeLimits | None = None
) -> Verdict:
    """What the evaluator says of the case.

    Args:
        ask: how a model is asked; only judges of type `llm` do.
        code: the limits of code; None where the operator did not enable it.
    """
    raise NotImplementedError


__all__ = ["Answer", "Ask", "Case", "CodeLimits", "Value", "Verdict", "judge", "result_attributes"]
