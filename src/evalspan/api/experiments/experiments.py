"""`/experiments`"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.envelope import Body, Envelope, Many, One, nothing, one, read_attributes, resource
from evalspan.api.experiments import listing
from evalspan.api.experiments.projects import Name
from evalspan.api.operation import PAGE, Operation, flag, text, texts
from evalspan.api.scope import catalog
from evalspan.experiments import Experiment, NewExperiment
from evalspan.experiments.entity import Moment
from evalspan.model import ExperimentStatus, Json

Version = Annotated[int, Field(ge=0, lt=2**63)]
Runs = Annotated[int, Field(ge=1, lt=2**32)]
Count = Annotated[int, Field(ge=0, lt=2**64)]


class ExperimentBody(Body):
    project_id: str
    dataset_id: str | None = None
    dataset_version: Version | None = None
    name: Name
    experiment: str | None = None
    description: str | None = None
    ensure_unique: bool = Field(
        default=True, description="Where the name is taken, make it unique; else get the one that has it."
    )
    metadata: dict[str, Json] | None = None
    config: dict[str, Json] | None = None
    tags: list[str] | None = None
    run_count: Runs | None = None
    expected_records: Count | None = None
    parent_experiment_id: str | None = None


class ExperimentPatch(Body):
    name: Name | None = None
    description: str | None = None
    status: ExperimentStatus | None = None
    error: str | None = None
    metadata: dict[str, Json] | None = None
    config: dict[str, Json] | None = None
    tags: list[str] | None = None
    dataset_version: Version | None = None
    run_count: Runs | None = None
    expected_records: Count | None = None


class ExperimentIds(Body):
    experiment_ids: list[str] = Field(min_length=1)


class ExperimentAttributes(BaseModel):
    """`name` is unique in the project; `experiment` is the name that its author gave."""

    model_config = ConfigDict(extra="allow")

    name: str
    experiment: str
    project_id: str
    dataset_id: str
    dataset_version: int | None
    description: str
    metadata: dict[str, Json]
    config: dict[str, Json]
    tags: list[str]
    run_count: int
    expected_records: int | None
    status: str
    error: str
    parent_experiment_id: str
    created_at: Moment
    updated_at: Moment


def find(request: Request) -> Response:
    return listing.answer(request, render)


async def create(request: Request) -> Response:
    body = await read_attributes(request, ExperimentBody)
    given = {key: value for key, value in body.model_dump().items() if value is not None}
    experiment = await run_in_threadpool(catalog(request).experiments.create, NewExperiment(**given))
    return one(render(experiment))


async def update(request: Request) -> Response:
    body = await read_attributes(request, ExperimentPatch)
    experiments, identity = catalog(request).experiments, request.path_params["experiment_id"]
    return one(render(await run_in_threadpool(lambda: experiments.update(identity, **body.model_dump()))))


async def delete(request: Request) -> Response:
    body = await read_attributes(request, ExperimentIds)
    await run_in_threadpool(catalog(request).experiments.delete, body.experiment_ids)
    return nothing()


def render(experiment: Experiment) -> dict[str, Any]:
    attributes = experiment.model_dump(
        mode="json", exclude={"experiment_id", "experiment_name", "revision", "project", "dataset"}
    )
    return resource(
        "experiments", experiment.experiment_id, {"name": experiment.experiment_name, **attributes}
    )


OPERATIONS = (
    Operation(
        "GET", "/experiments", "List experiments with what they came to, the newest first.", find,
        (
            texts("filter[id]"),
            text("filter[project_id]"),
            text("filter[dataset_id]"),
            text("filter[name]", "The unique name."),
            text("filter[experiment]", "The logical name, shared by the runs of a pipeline."),
            text("filter[metadata]", "A JSON object that the metadata must contain."),
            texts("filter[parent_experiment_id]"),
            flag("filter[is_deleted]", "true: deleted ones only."),
            flag("include[aggregate_data]", "false leaves `aggregate_data` out."),
            *PAGE,
        ),
        answer=Many[ExperimentAttributes],
    ),
    Operation(
        "POST", "/experiments", "Create an experiment.", create,
        body=Envelope[ExperimentBody], answer=One[ExperimentAttributes], refusals=(400, 404),
    ),
    Operation(
        "PATCH", "/experiments/{experiment_id}", "Change some fields, such as the status.", update,
        body=Envelope[ExperimentPatch], answer=One[ExperimentAttributes], refusals=(400, 404, 409),
    ),
    Operation(
        "POST", "/experiments/delete", "Delete experiments; their spans and scores are kept.", delete,
        body=Envelope[ExperimentIds], refusals=(400, 404),
    ),
)  # fmt: skip
