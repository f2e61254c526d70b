"""Judging one case by one evaluator: by rule, by a model, or by code where the operator allows it.

What goes wrong is a verdict with its error, never an exception: a record must not be lost for it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from evalspan import confined
from evalspan.confined import Limits as CodeLimits
from evalspan.errors import EvalspanError
from evalspan.experiments.evaluator_versions import EvaluatorContent
from evalspan.judges import model, rules
from evalspan.judges.values import expected, scored
from evalspan.judges.verdict import Answer, Ask, Case, Value, Verdict, result_attributes
from evalspan.model import Json
from evalspan.settings import Settings

_OFF: Final = (
    "Evaluators of type code are turned off on this service; its operator turns them on with "
    "EVALSPAN_CODE_EVALUATORS=true."
)


def code_limits(settings: Settings) -> CodeLimits | None:
    """What code may use by the settings; None where it may not run."""
    if not settings.code_evaluators:
        return None
    return CodeLimits(settings.code_evaluator_seconds, settings.code_evaluator_memory)


async def judge(
    evaluator: EvaluatorContent, case: Case, ask: Ask, *, code: CodeLimits | None = None
) -> Verdict:
    """What the evaluator says of the case.

    What `ask` raises is the verdict's error where it is an EvalspanError; anything else (a cancel, the end
    of a budget) goes through.

    Args:
        ask: how a model is asked; only judges of type `llm` do.
        code: the limits of code; None where the operator did not enable it.
    """
    try:
        match evaluator.type:
            case "llm":
                return await _by_model(evaluator, case, ask)
            case "rule":
                return await asyncio.to_thread(rules.apply, evaluator, case)
            case "code":
                return await asyncio.to_thread(_by_code, evaluator, case, code)
            case "human":
                return Verdict(error="This score is a person's to give.", error_type="HumanEvaluator")
    except confined.Trouble as trouble:
        return Verdict(error=str(trouble), error_type=trouble.kind)
    except EvalspanError as error:
        return Verdict(error=str(error), error_type=type(error).__name__)


async def _by_model(evaluator: EvaluatorContent, case: Case, ask: Ask) -> Verdict:
    messages = await asyncio.to_thread(model.messages, evaluator, case)
    config = evaluator.llm_config
    assert config is not None  # evaluator_forms sees to it
    answer = await ask(config.model, messages, **config.parameters())
    return model.read(evaluator, answer)


def _by_code(evaluator: EvaluatorContent, case: Case, limits: CodeLimits | None) -> Verdict:
    if limits is None:
        return Verdict(error=_OFF, error_type="CodeDisabled")
    config = evaluator.code_config
    assert config is not None  # evaluator_forms sees to it
    result: Json = confined.run_code(config.eval_code_snippet, model.variables(case), limits)
    explanation = ""
    if evaluator.score_value_type != "json" and isinstance(result, dict):
        said = cast("dict[str, Any]", result)
        result, explanation = said.get("score"), str(said.get("explanation") or "")
    return scored(evaluator, result, explanation)


__all__ = [
    "Answer",
    "Ask",
    "Case",
    "CodeLimits",
    "Value",
    "Verdict",
    "code_limits",
    "expected",
    "judge",
    "result_attributes",
    "scored",
]
