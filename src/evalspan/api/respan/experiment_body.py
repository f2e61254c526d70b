"""What a client says of an experiment, in both dialects, as the job that it asks for.

`workflows` with `custom` steps and `evaluator_slugs` is the older one; `workflow` with `wait` steps and
`evaluator_ids` the newer. What a client sent is kept with the experiment and echoed under both names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from evalspan.errors import UsageError
from evalspan.experiments import slips
from evalspan.jobs import Budget, NewJob, Step
from evalspan.model import Json

CONFIG: Final = "respan"
"""Under which key of an experiment's `config` the body is kept."""
_STEP: Final = TypeAdapter[Step](Step)
_WAITING: Final = frozenset({"custom", "wait"})
_EVALUATING: Final = frozenset({"eval", "evaluator"})
_PATHS: Final = frozenset({".", "..", "list", "summary"})
Runs = Annotated[int, Field(ge=1, le=1000)]


class WorkflowStep(BaseModel):
    """A step; older clients write some options of a `custom` one beside its config."""

    model_config = ConfigDict(extra="allow")

    type: str
    config: dict[str, Json] | None = None

    def options(self) -> dict[str, Json]:
        return {**(self.model_extra or {}), **(self.config or {})}


class ExperimentBody(BaseModel):
    """The body of a creation and of changes. Other keys are ignored: newer clients send more."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=1000)] | None = None
    description: str | None = None
    dataset_id: str | None = None
    dataset: str | None = None
    workflow: list[WorkflowStep] | None = None
    workflows: list[WorkflowStep] | None = None
    evaluator_ids: list[str] | None = None
    evaluator_slugs: list[str] | None = None
    evaluator_workflow_ids: list[str] | None = None
    experiment_id: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9_.:-]*$")] | None = None
    span_workflow_name: str | None = None
    enable_tracing: bool | None = None
    batch_size: int | None = None
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    generation_method: str | None = None
    tags: list[Json] | None = None
    metadata: dict[str, Json] | None = None
    runs: Runs | None = None
    budget: Budget | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_spelled_right(cls, given: Any) -> Any:
        """A misspelt key would run something else: an experiment without its evaluators, for one."""
        slips.refuse(cast("dict[str, Any]", given), cls.model_fields)
        return given

    @field_validator("experiment_id")
    @classmethod
    def _is_an_id(cls, value: str | None) -> str | None:
        if value in _PATHS:
            raise ValueError("this is a path of the API")
        return value

    def merged(self, before: Mapping[str, Json]) -> ExperimentBody:
        """The body with what was said before and is not said now."""
        now = self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        clash = {
            "workflow": "workflows",
            "workflows": "workflow",
            "dataset": "dataset_id",
            "dataset_id": "dataset",
        }
        hidden = {clash[name] for name in now if name in clash}
        if now.keys() & {"evaluator_ids", "evaluator_slugs"}:
            hidden |= {"evaluator_ids", "evaluator_slugs"}
        return ExperimentBody.model_validate(
            {**{name: value for name, value in before.items() if name not in hidden}, **now}
        )

    def steps(self) -> list[WorkflowStep]:
        return self.workflow or self.workflows or []

    def evaluators(self) -> list[str]:
        """Every evaluator that is asked for: ids win over slugs, inline ones come after."""
        if self.evaluator_workflow_ids:
            raise UsageError(
                "evaluator_workflow_ids is not supported; name the evaluators in evaluator_ids.",
                pointer="/evaluator_workflow_ids",
            )
        listed = self.evaluator_ids or self.evaluator_slugs
        inline = [_evaluator(step, n) for n, step in enumerate(self.steps()) if step.type in _EVALUATING]
        return list(dict.fromkeys([*(listed or []), *inline]))

    def job(self, project_id: str) -> NewJob:
        """What the service is to run.

        Raises:
            UsageError: a step is of a kind that is not run here, or lacks an option.
        """
        steps = [
            _step(step, number) for number, step in enumerate(self.steps()) if step.type not in _EVALUATING
        ]
        stated: dict[str, Any] = {
            "experiment_id": self.experiment_id,
            "name": self.name,
            "description": self.description,
            "dataset_id": self.dataset_id or self.dataset,
            "span_name": self.span_workflow_name,
            "concurrency": self.concurrency,
            "runs": self.runs,
            "budget": self.budget,
            "metadata": self.metadata,
            "tags": [_tag(tag) for tag in self.tags or []],
        }
        return NewJob(
            project_id=project_id,
            steps=steps,
            evaluators=self.evaluators(),
            config={CONFIG: self.model_dump(mode="json", exclude_none=True)},
            **{name: value for name, value in stated.items() if value},
        )


def _step(step: WorkflowStep, number: int) -> Step:
    options, pointer = step.options(), f"/workflow/{number}"
    if step.type == "prompt":
        prompt = options.get("prompt_id") or options.get("prompt_slug")
        if not prompt:
            raise UsageError("A prompt step needs config.prompt_id.", pointer=f"{pointer}/config/prompt_id")
        return _STEP.validate_python(
            {"type": "prompt", "prompt": str(prompt), "version": options.get("version")}
        )
    if step.type == "completion":
        if not options.get("model"):
            raise UsageError("A completion step needs config.model.", pointer=f"{pointer}/config/model")
        return _STEP.validate_python({**options, "type": "completion"})
    if step.type in _WAITING or step.type == "duplicate":
        return _STEP.validate_python({**options, "type": "duplicate" if step.type == "duplicate" else "wait"})
    raise UsageError(
        f"A step of the type {step.type!r} is not run here; there are prompt, completion, custom (or wait), "
        "duplicate and eval.",
        pointer=f"{pointer}/type",
    )


def _evaluator(step: WorkflowStep, number: int) -> str:
    options = step.options()
    named = options.get("evaluator_id") or options.get("evaluator_slug")
    if not named:
        raise UsageError("An eval step needs config.evaluator_slug.", pointer=f"/workflow/{number}/config")
    return str(named)


def _tag(tag: Json) -> str:
    if isinstance(tag, dict):
        found = cast("dict[str, Json]", tag)
        return str(found.get("name") or found.get("id") or "")
    return str(tag)
