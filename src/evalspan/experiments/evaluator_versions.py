"""One version of an evaluator: what it looks at, what kind of score it gives, and what passes."""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from evalspan.experiments.entity import Moment
from evalspan.model import Json, ScoreType, dump

EvaluatorType = Literal["llm", "human", "code", "rule"]
ScoreValueType = Literal[
    "numerical", "boolean", "percentage", "single_select", "multi_select", "text", "json", "categorical",
    "comment",
]  # fmt: skip
Rule = Literal["exact", "contains", "regex", "json_schema", "numeric", "similarity"]

_STORED_AS: Final[dict[str, ScoreType]] = {
    "numerical": "score",
    "percentage": "score",
    "boolean": "boolean",
    "single_select": "categorical",
    "text": "categorical",
    "comment": "categorical",
    "multi_select": "json",
    "categorical": "json",
    "json": "json",
}


class _Config(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Choice(_Config):
    name: str
    value: Json = None


class ScoreConfig(_Config):
    min_score: float | None = None
    max_score: float | None = None
    choices: list[Choice] = []


class LlmConfig(_Config):
    """A judge: a template that shows it the case, and the model that is asked."""

    model: str = Field(min_length=1)
    evaluator_definition: str = Field(min_length=1)
    scoring_rubric: str = ""
    temperature: float | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: list[str] | None = None
    verbosity: str | None = None
    response_format: dict[str, Json] | None = None
    tools: list[dict[str, Json]] | None = None
    tool_choice: str | dict[str, Json] | None = None

    def parameters(self) -> dict[str, Json]:
        """What goes to the model beside the messages; only what was stated."""
        return self.model_dump(exclude={"model", "evaluator_definition", "scoring_rubric"}, exclude_none=True)


class CodeConfig(_Config):
    """Python that defines `main(eval_inputs)`, which returns the score."""

    eval_code_snippet: str = Field(min_length=1)


class RuleConfig(BaseModel):
    """A check without a model. It holds the output against `value`, else the expected output."""

    model_config = ConfigDict(extra="forbid")

    rule: Rule
    value: Json = None
    ignore_case: bool = False
    trim: bool = True
    """Leave out white space at both ends of texts."""
    pattern: str = ""
    """regex: what must be found in the output."""
    extract: str = ""
    """Pattern whose first group (or whole match) is taken out of the output before it is looked at."""
    extract_expected: str = ""
    json_schema: Json = None
    absolute_tolerance: float = Field(default=0.0, ge=0)
    relative_tolerance: float = Field(default=0.0, ge=0)


class EvaluatorContent(BaseModel):
    """What the author of an evaluator says."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1)
    type: EvaluatorType
    score_value_type: ScoreValueType
    description: str = ""
    eval_class: str = ""
    score_config: ScoreConfig = ScoreConfig()
    passing_conditions: dict[str, Any] = {}
    llm_config: LlmConfig | None = None
    code_config: CodeConfig | None = None
    rule_config: RuleConfig | None = None
    configurations: dict[str, Json] = {}
    """The older form as it was sent; it is mapped onto the fields above."""
    starred: bool = False

    @property
    def stored_as(self) -> ScoreType:
        """The type of its scores in SQL."""
        return _STORED_AS[self.score_value_type]


class EvaluatorVersion(EvaluatorContent):
    """A version as it stands."""

    evaluator_id: str
    slug: str
    project_id: str
    version_id: str
    version: int
    """From 0; the highest one is the draft."""
    is_read_only: bool
    version_description: str = ""
    created_at: Moment
    updated_at: Moment

    @property
    def label(self) -> str:
        """What stands as the version on every score: a draft can change, so its label has its hash."""
        if self.is_read_only:
            return str(self.version)
        content = self.model_dump(include=set(EvaluatorContent.model_fields) - {"starred", "description"})
        return f"{self.version}-draft-{hashlib.sha256(dump(content).encode()).hexdigest()[:8]}"
