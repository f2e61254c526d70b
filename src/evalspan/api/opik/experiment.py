"""The experiment as Opik knows it: what a client may say of one, and what is answered.

What our entity has no field for stands in its `config`, under `opik`, so it is written with the rest in
one row. An experiment that came another way is shown with Opik's defaults.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from evalspan.api.opik import ids, versions
from evalspan.api.opik.aggregates import Aggregates
from evalspan.api.opik.author import ANONYMOUS
from evalspan.api.opik.wire import Body
from evalspan.errors import UsageError
from evalspan.experiments import Dataset, Experiment
from evalspan.experiments.entity import Moment
from evalspan.model import ExperimentStatus, Json

OWN: Final = "opik"
Type = Literal["regular", "trial", "mini-batch", "mutation"]
Method = Literal["dataset", "evaluation_suite"]
Status = Literal["running", "completed", "cancelled", "failed"]
STATUSES: Final[dict[Status, ExperimentStatus]] = {
    "running": "running",
    "completed": "completed",
    "cancelled": "interrupted",
    "failed": "failed",
}
_BACK: Final = {ours: theirs for theirs, ours in STATUSES.items()}


def _uuid(given: str) -> str:
    try:
        return ids.valid(given, "")
    except UsageError as error:
        raise PydanticCustomError("uuid", "{reason}", {"reason": str(error)}) from None


def _unique(given: list[str]) -> list[str]:
    if len(set(given)) < len(given):
        raise PydanticCustomError("unique", "Tags must differ from one another")
    return given


Uuid = Annotated[str, AfterValidator(_uuid)]
Tag = Annotated[str, Field(max_length=100)]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(_unique)]
ProjectName = Annotated[str, Field(pattern=r"\S")]


class Score(Body):
    """A score of the whole experiment."""

    name: str = Field(min_length=1, max_length=1000)
    value: float = Field(allow_inf_nan=False)


class PromptLink(Body):
    id: str


class ExperimentBody(Body):
    """A new experiment. What Opik calls read-only is ignored, as everything else unknown."""

    id: Uuid | None = None
    dataset_name: Annotated[str, Field(min_length=1)] | None = None
    dataset_id: Uuid | None = Field(default=None, description="Read where no name is given.")
    project_id: Uuid | None = None
    project_name: ProjectName | None = None
    name: str | None = None
    metadata: Json = None
    tags: Tags | None = None
    type: Type = "regular"
    evaluation_method: Method = "dataset"
    optimization_id: Uuid | None = None
    status: Status | None = None
    experiment_scores: list[Score] | None = None
    prompt_version: PromptLink | None = None
    prompt_versions: list[PromptLink] | None = None
    dataset_version_id: Uuid | None = None


class ExperimentPatch(Body):
    name: Annotated[str, Field(min_length=1)] | None = None
    metadata: Json = None
    tags: Tags | None = None
    tags_to_add: Tags | None = None
    tags_to_remove: Tags | None = None
    type: Type | None = None
    status: Status | None = None
    experiment_scores: list[Score] | None = None


class FeedbackScore(BaseModel):
    name: str
    value: float
    count: int


class Comment(BaseModel):
    id: str
    text: str
    created_at: Moment
    last_updated_at: Moment
    created_by: str
    last_updated_by: str


class ExperimentAnswer(BaseModel):
    id: str
    dataset_name: str
    dataset_id: str
    project_id: str
    project_name: str
    name: str
    metadata: Json = None
    tags: list[str]
    type: str = "regular"
    evaluation_method: str = "dataset"
    optimization_id: str | None = None
    feedback_scores: list[FeedbackScore]
    comments: list[Comment]
    created_at: Moment
    last_updated_at: Moment
    created_by: str = ANONYMOUS
    last_updated_by: str = ANONYMOUS
    trace_count: int
    duration: Json = Field(
        default=None, description="Milliseconds of the run; percentiles over traces for Opik's own clients."
    )
    total_estimated_cost: float | None = None
    total_estimated_cost_avg: float | None = None
    usage: dict[str, float] | None = None
    status: str | None = None
    finished_at: str | None = None
    experiment_scores: list[Score]
    prompt_version: dict[str, Any] | None = None
    prompt_versions: list[dict[str, Any]] | None = None
    dataset_version_id: str | None = None
    dataset_version_summary: dict[str, Any] | None = None


def own(experiment: Experiment) -> dict[str, Any]:
    """What Opik says of the experiment and ours has no field for."""
    found = experiment.config.get(OWN)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def split(metadata: Json) -> tuple[dict[str, Any], dict[str, Json]]:
    """(our metadata, what else is to be kept): metadata may be any JSON there, and ours is an object."""
    if isinstance(metadata, dict) and metadata:
        return cast("dict[str, Any]", metadata), {}
    return {}, {"metadata": metadata}


def render(
    experiment: Experiment,
    dataset: Dataset | None,
    found: Aggregates,
    comments: list[Comment],
    duration: Json,
) -> dict[str, Any]:
    """The experiment as it is answered; `dataset` is its own, where that is still there."""
    kept = own(experiment)
    version = experiment.dataset_version
    summary = versions.summary(dataset, version) if dataset and version else None
    fields = ("type", "evaluation_method", "optimization_id", "created_by", "last_updated_by", "finished_at")
    more = ("prompt_version", "prompt_versions")
    answer = ExperimentAnswer(
        id=experiment.experiment_id,
        dataset_name=experiment.dataset,
        dataset_id=experiment.dataset_id,
        project_id=experiment.project_id,
        project_name=experiment.project,
        name=experiment.experiment,
        metadata=experiment.metadata or kept.get("metadata"),
        tags=experiment.tags,
        feedback_scores=[FeedbackScore(**vars(each)) for each in found.feedback_scores],
        comments=comments,
        created_at=experiment.created_at,
        last_updated_at=experiment.updated_at,
        trace_count=found.trace_count,
        duration=duration,
        total_estimated_cost=found.total_estimated_cost,
        total_estimated_cost_avg=found.total_estimated_cost_avg,
        usage=found.usage,
        status=_BACK.get(cast("Any", experiment.status)),
        experiment_scores=kept.get("experiment_scores", []),
        dataset_version_id=summary["id"] if summary else None,
        dataset_version_summary=summary,
        **{name: kept[name] for name in (*fields, *more) if kept.get(name) is not None},
    )
    document = answer.model_dump(mode="json", exclude={"metadata"})
    document = {name: value for name, value in document.items() if value is not None}
    return document if answer.metadata is None else {**document, "metadata": answer.metadata}
