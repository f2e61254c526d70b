"""A value as a score of its evaluator's type. Nothing is clamped or guessed: what does not fit is refused."""

from __future__ import annotations

import math
import re
from typing import Final, cast

from evalspan.errors import UsageError
from evalspan.experiments import passing
from evalspan.experiments.evaluator_versions import Choice, EvaluatorContent
from evalspan.judges.verdict import Value, Verdict
from evalspan.model import Json

_NUMBER: Final = re.compile(r"\s*[-+]?\d+(\.\d+)?([eE][-+]?\d+)?\s*", re.ASCII)
_WORDS: Final = {"true": True, "false": False}


def scored(evaluator: EvaluatorContent, value: Json, explanation: str = "") -> Verdict:
    """The verdict that a value makes, whoever gave it.

    Raises:
        UsageError: the value is none of the evaluator's type; the message says what would be.
    """
    found, number, texts = _typed(evaluator, value)
    passed = passing.passes(evaluator.passing_conditions, number, texts)
    if passed is None and not evaluator.passing_conditions and isinstance(found, bool):
        passed = found
    return Verdict(value=found, primary_score=number, passed=passed, explanation=explanation)


def expected(evaluator: EvaluatorContent) -> str:
    """What a value of this type is, in words for a model or a person."""
    names = ", ".join(f'"{choice.name}"' for choice in evaluator.score_config.choices)
    match evaluator.score_value_type:
        case "numerical" | "percentage":
            low, high = _bounds(evaluator)
            if low is not None and high is not None:
                return f"a number from {low:g} to {high:g}"
            if low is not None or high is not None:
                return f"a number {'from' if high is None else 'up to'} {low if high is None else high:g}"
            return "a number"
        case "boolean":
            return "true or false"
        case "single_select":
            return f"one of {names}" if names else "a text"
        case "multi_select" | "categorical":
            return f"a list of some of {names}" if names else "a list of texts"
        case "text" | "comment":
            return "a text"
        case "json":
            return "any JSON value"


def _typed(evaluator: EvaluatorContent, value: Json) -> tuple[Value, float | None, list[str] | None]:
    """(the value, as a number, as texts; None where it is no such thing)."""
    match evaluator.score_value_type:
        case "numerical" | "percentage":
            number = _number(evaluator, value)
            return number, number, None
        case "boolean":
            truth = _WORDS.get(value.strip().lower()) if isinstance(value, str) else value
            if not isinstance(truth, bool):
                raise _misfit(evaluator, value)
            return truth, float(truth), [str(truth).lower()]
        case "single_select":
            items = cast("list[Json]", value) if isinstance(value, list) else [value]
            if len(items) != 1:
                raise _misfit(evaluator, value)
            choice = _choice(evaluator, items[0], value)
            return choice.name, _weight(choice), [choice.name]
        case "multi_select" | "categorical":
            items = cast("list[Json]", value) if isinstance(value, list) else [value]
            choices = [_choice(evaluator, item, value) for item in items]
            names = list(dict.fromkeys(choice.name for choice in choices))
            return names, _weight(choices[0]) if len(names) == 1 else None, names
        case "text" | "comment":
            if not isinstance(value, str):
                raise _misfit(evaluator, value)
            return value, None, [value]
        case "json":
            return value, None, None


def _number(evaluator: EvaluatorContent, value: Json) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise _misfit(evaluator, value)
    low, high = _bounds(evaluator)
    if (low is not None and value < low) or (high is not None and value > high):
        raise _misfit(evaluator, value)
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a double holds
        return False


def _bounds(evaluator: EvaluatorContent) -> tuple[float | None, float | None]:
    low, high = evaluator.score_config.min_score, evaluator.score_config.max_score
    if evaluator.score_value_type == "percentage":
        return (0.0 if low is None else low), (100.0 if high is None else high)
    return low, high


def _choice(evaluator: EvaluatorContent, item: Json, whole: Json) -> Choice:
    """The choice of a name, in any case where only one fits."""
    choices = evaluator.score_config.choices
    if not isinstance(item, str) or not item.strip():
        raise _misfit(evaluator, whole)
    if not choices:
        return Choice(name=item)
    exact = [choice for choice in choices if choice.name == item]
    similar = [choice for choice in choices if choice.name.casefold() == item.strip().casefold()]
    found = exact or similar
    if len(found) != 1:
        raise _misfit(evaluator, whole)
    return found[0]


def _weight(choice: Choice) -> float | None:
    value = choice.value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _misfit(evaluator: EvaluatorContent, value: Json) -> UsageError:
    text = repr(value)
    shown = text if len(text) <= 200 else f"{text[:200]}..."
    return UsageError(
        f"A score of {evaluator.name!r} is {expected(evaluator)}, not {shown}.", pointer="/value"
    )
