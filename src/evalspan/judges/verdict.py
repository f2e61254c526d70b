"""What a judge is shown, whom it may ask, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from evalspan import attributes as names
from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.model import Json, dump

Value = bool | float | str | list[str] | dict[str, Json] | list[Json] | None


@dataclass(frozen=True)
class Case:
    """What is judged. `output` may be a text, a message or any JSON."""

    input: Json = None
    output: Json = None
    expected_output: Json = None
    metadata: dict[str, Json] = field(default_factory=dict[str, Json])
    metrics: dict[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True)
class Answer:
    """What a model said. Unknown cost is None."""

    text: str
    message: dict[str, Json] = field(default_factory=dict[str, Json])
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


class Ask(Protocol):
    """Asks a model; raises an EvalspanError whose message can stand as a score's error."""

    async def __call__(self, model: str, messages: list[dict[str, Json]], **parameters: Json) -> Answer: ...


class Verdict(BaseModel):
    """A score, or the error why there is none. `passed` is None where nothing says what passes."""

    model_config = ConfigDict(frozen=True)

    value: Value = None
    primary_score: float | None = None
    """The value as a number, where it has one; what passing conditions look at."""
    passed: bool | None = None
    explanation: str = ""
    error: str = ""
    error_type: str = ""
    cost_usd: float | None = 0.0
    """None: a model was asked, and what it cost is not known."""
    input_tokens: int | None = 0
    output_tokens: int | None = 0


def result_attributes(evaluator: EvaluatorVersion, verdict: Verdict) -> dict[str, Any]:
    """The attributes of the `gen_ai.evaluation.result` event; the ids of the case are the caller's."""
    kind, value = evaluator.stored_as, verdict.value
    passed = {None: None, True: "pass", False: "fail"}[verdict.passed]
    return {
        names.EVALUATION_NAME: evaluator.slug,
        names.EVALUATION_TYPE: kind,
        names.EVALUATION_SCORE_VALUE: float(value)
        if kind in ("score", "boolean") and isinstance(value, bool | int | float)
        else None,
        names.EVALUATION_SCORE_LABEL: value if kind == "categorical" and isinstance(value, str) else None,
        names.EVALUATION_JSON: dump(value) if kind == "json" and value is not None else None,
        names.EVALUATION_EXPLANATION: verdict.explanation,
        names.EVALUATION_ASSESSMENT: passed,
        names.EVALUATION_ERROR: verdict.error,
        names.ERROR_TYPE: verdict.error_type or ("EvaluatorError" if verdict.error else ""),
        names.EVALUATOR_ID: evaluator.evaluator_id,
        names.EVALUATOR_TYPE: evaluator.type,
        names.EVALUATOR_VERSION: evaluator.label,
        names.EVALUATION_METADATA_PREFIX + "score_value_type": evaluator.score_value_type,
        names.EVALUATION_METADATA_PREFIX + "evaluator_name": evaluator.name,
    }
